"""3. `ctx.each` gives the items that are not done yet; one is done when the body of the loop ends."""

from pathlib import Path

import pytest

from outlast import Context, JobFailed, job
from tests.tutorial.notebook import note, notes


@job(max_attempts=2, backoff="10ms")
def visits(ctx: Context, path: str, places: list[str]) -> None:
    for place in ctx.each(places):
        note(path, place)
        if place == "Rome" and ctx.attempt == 1:
            raise RuntimeError("missed the train")


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    visits.submit(str(tmp_path / "diary"), ["Paris", "Rome", "Oslo"]).result(timeout=20)

    assert notes(tmp_path / "diary") == ["Paris", "Rome", "Rome", "Oslo"]


@job
def breaks_off(ctx: Context) -> list[str]:
    seen = []
    for number in ctx.each([1, 2, 3]):
        seen.append(f"first {number}")
        if number == 2:
            break
    seen += [f"second {number}" for number in ctx.each([1, 2], name="second")]
    return seen


def test_loops_have_names_and_an_item_left_by_break_is_not_done() -> None:
    assert breaks_off.submit().result(timeout=20) == ["first 1", "first 2", "second 1", "second 2"]


def test_duplicates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match=r"each:\"Rome\".* comes twice"):
        visits.submit(str(tmp_path / "diary"), ["Rome", "Paris", "Rome"]).result(timeout=20)

    assert notes(tmp_path / "diary") == [], "it is told before anything is done"


@job
def takes_dicts(ctx: Context, people: list[dict[str, str]]) -> list[str]:
    return [person["name"] for person in ctx.each(people)]


def test_items_are_json_values() -> None:
    assert takes_dicts.submit([{"name": "Ada"}, {"name": "Alan"}]).result(timeout=20) == ["Ada", "Alan"]
