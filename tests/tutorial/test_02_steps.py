"""2. A step is run once and its result kept, however often the job starts again."""

from pathlib import Path

import pytest

from outlast import Context, JobFailed, job
from tests.tutorial.notebook import note, notes


@job(max_attempts=2, backoff="10ms")
def builds(ctx: Context, path: str) -> list[str]:
    first = ctx.step("fetch", fetch, path, what="wood")
    if ctx.attempt == 1:
        raise RuntimeError("the hammer broke")
    second = ctx.step("hammer", fetch, path, what="nails")
    return [first, second]


def fetch(path: str, what: str) -> str:
    note(path, what)
    return what.upper()


def test_a_finished_step_is_not_run_again(tmp_path: Path) -> None:
    handle = builds.submit(str(tmp_path / "notes"))

    assert handle.result(timeout=20) == ["WOOD", "NAILS"]
    assert handle.job()["attempts"] == 2
    assert notes(tmp_path / "notes") == ["wood", "nails"]


@job
def repeats_a_name(ctx: Context) -> None:
    ctx.step("same", dict)
    ctx.step("same", dict)


def test_a_name_belongs_to_one_step() -> None:
    with pytest.raises(JobFailed, match="UsageError: The step 'same' comes twice in this job"):
        repeats_a_name.submit().result(timeout=20)


@job(max_attempts=3, backoff="10ms")
def pays(ctx: Context, path: str) -> str | None:
    ctx.step("pay", pay, ctx, path)
    return ctx.step_key


def pay(ctx: Context, path: str) -> None:
    note(path, str(ctx.step_key))
    if ctx.attempt < 3:
        raise ConnectionError("no answer: was it paid or not?")


def test_the_key_of_a_step_is_the_same_in_every_attempt(tmp_path: Path) -> None:
    handle = pays.submit(str(tmp_path / "keys"))

    assert handle.result(timeout=20) is None, "outside a step there is no key"
    first, second, third = notes(tmp_path / "keys")
    assert first == second == third
    assert first.startswith(f"{handle.id}:")
