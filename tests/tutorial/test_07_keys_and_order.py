"""7. Keys make a submission unique; priority, delay and time say when it runs; account and labels say whose it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outlast import Outlast, job
from outlast.core.errors import KeyConflict, OutlastError, UsageError
from tests.tutorial.notebook import note, notes
from tests.waiting import eventually
from tests.workshop import Workshop


@job
def sends(to: str) -> str:
    return f"sent to {to}"


def test_the_same_key_is_the_same_job(outlast: Outlast) -> None:
    first = sends.submit("Ada", key="letter:1")
    first.wait(timeout=20)

    again = sends.submit("Ada", key="letter:1")

    assert again.id == first.id
    assert again.job()["attempts"] == 1
    assert outlast.find("letter:1").id == first.id


def test_the_same_key_with_other_arguments_is_refused() -> None:
    sends.submit("Ada", key="letter:2")

    with pytest.raises(KeyConflict, match="letter:2"):
        sends.submit("Alan", key="letter:2")


def test_a_job_may_belong_to_an_account_and_carry_labels(outlast: Outlast) -> None:
    handle = sends.submit("Ada", account="ada@example.org", labels={"env": "test"})

    assert handle.job().items() >= {"account": "ada@example.org", "labels": {"env": "test"}}.items()
    assert [found["job_id"] for found in outlast.list("account:ada@example.org label.env:test")["jobs"]] == [handle.id]


def test_labels_are_pairs() -> None:
    with pytest.raises(UsageError, match="labels is 'env=test'"):
        sends.submit("Ada", labels="env=test")  # type: ignore[arg-type]


def test_a_place_where_no_store_can_be_is_told_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutlastError, match=r"file: Not a directory\. Name a directory"):
        Outlast(tmp_path / "file" / "jobs")


def test_a_delayed_job_starts_later() -> None:
    delayed = sends.submit("Ada", delay="400ms").wait(timeout=20)
    when = datetime.now(UTC) + timedelta(seconds=0.4)
    timed = sends.submit("Ada", at=when).wait(timeout=20)

    begun = datetime.fromisoformat(delayed["started_at"]) - datetime.fromisoformat(delayed["created_at"])
    assert begun >= timedelta(seconds=0.39)
    assert datetime.fromisoformat(timed["started_at"]) >= when - timedelta(milliseconds=1)


def test_delay_and_time_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="delay and at"):
        sends.submit("Ada", delay=1, at="2030-01-01T00:00:00Z")


@job
def notes_its_name(path: str, name: str, sign: str = "") -> None:
    note(path, name)
    while sign and not Path(sign).exists():
        pass


def test_the_larger_priority_goes_first_then_the_older_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workshop: Workshop
) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")
    path, sign = str(tmp_path / "notes"), tmp_path / "sign"
    workshop.submit(notes_its_name, path, "busy", str(sign))
    eventually(lambda: notes(tmp_path / "notes"), what="the first job")

    waiting = [
        workshop.submit(notes_its_name, path, name, priority=priority)
        for name, priority in (("first", 0), ("second", 0), ("urgent", 5), ("some day", -5))
    ]
    sign.touch()
    for handle in waiting:
        handle.wait(timeout=20)

    assert notes(tmp_path / "notes") == ["busy", "urgent", "first", "second", "some day"]
