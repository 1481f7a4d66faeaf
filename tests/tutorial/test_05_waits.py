"""5. A job that waits gives its process back and runs again from the top; what it has passed is passed for ever."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outlast import Context, Handle, JobFailed, job
from tests.tutorial.notebook import note, notes
from tests.waiting import eventually


def until_waiting(handle: Handle) -> dict[str, Any]:
    """Return the job object of a job that has given its process back."""
    return eventually(lambda: waiting if (waiting := handle.job())["status"] == "waiting" else None, what="a wait")


@job
def sleeps(ctx: Context, path: str) -> int:
    note(path, f"attempt {ctx.attempt}")
    ctx.step("before", note, path, "before")
    ctx.wait("2100ms")
    ctx.step("after", note, path, "after")
    return ctx.attempt


def test_a_wait_for_a_time_is_told_and_the_job_starts_again_from_the_top(tmp_path: Path) -> None:
    handle = sleeps.submit(str(tmp_path / "notes"))
    waiting = until_waiting(handle)

    assert waiting["reason"] == "time"
    assert waiting["wake_at"] > waiting["updated_at"]
    assert handle.result(timeout=20) == 2
    assert notes(tmp_path / "notes") == ["attempt 1", "before", "attempt 2", "after"]
    assert "tries" not in handle.job(), "a wake is not a try"


@job
def waits_shortly(ctx: Context) -> int:
    ctx.wait(0.01)
    return ctx.attempt


def test_a_short_wait_keeps_its_process() -> None:
    assert waits_shortly.submit().result(timeout=20) == 1


@job
def waits_at(ctx: Context, when: str) -> str:
    ctx.wait(at=when)
    return datetime.now(UTC).isoformat()


def test_a_wait_for_a_moment_ends_then(tmp_path: Path) -> None:
    when = datetime.now(UTC) + timedelta(seconds=2.5)

    assert datetime.fromisoformat(waits_at.submit(when.isoformat()).result(timeout=20)) >= when


@job
def waits_until(ctx: Context, path: str) -> str:
    ctx.wait(until=Path(path).exists, every="2100ms", name="file", file=path)
    return "found"


def test_a_wait_for_a_condition_asks_again_and_again(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    handle = waits_until.submit(str(sign))
    waiting = until_waiting(handle)
    sign.touch()

    assert (waiting["reason"], waiting["waiting_info"]) == ("condition", {"file": str(sign)})
    assert handle.result(timeout=20) == "found"


@job
def waits_for_what(ctx: Context) -> None:
    ctx.wait(1, until=lambda: True)


def test_a_wait_is_for_one_thing() -> None:
    with pytest.raises(JobFailed, match="exactly one of seconds, at and until"):
        waits_for_what.submit().result(timeout=20)
