"""A checklist: what is done, what remains, and what happens on the way."""

import re
from pathlib import Path

import pytest

from outlast import AlreadyClaimed, AlreadyDone, Checklist, JobState, UnknownActivity
from outlast.core.errors import UsageError
from outlast.jobstate import Progress
from tests.jobstate.places import ACCOUNT, DAY, NAMES, TYPE, Clock, events, journal_path, json_path, read_json, snapshot


def raise_in(checklist: Checklist) -> None:
    for name in checklist.each():
        raise ZeroDivisionError(name)


def test_the_json_is_exactly_this(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")

    assert json_path(directory).read_text() == (
        '{\n  "date": "2025-09-20",\n  "account": "user@email.com",\n  "type": "daily-set",\n'
        '  "completed": [\n    "quiz-1"\n  ],\n  "remaining": [\n    "daily-check-in",\n    "poll-1"\n  ],\n'
        '  "lastUpdate": "2025-09-20T12:00:00.000Z"\n}\n'
    )


def test_a_new_checklist_has_its_files_at_once(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    assert read_json(json_path(directory)) == {
        "date": DAY,
        "account": ACCOUNT,
        "type": TYPE,
        "completed": [],
        "remaining": NAMES,
        "lastUpdate": "2025-09-20T12:00:00.000Z",
    }
    assert events(journal_path(directory)) == ["open"]
    assert (checklist.account, checklist.type, checklist.date) == (ACCOUNT, TYPE, DAY)
    assert checklist.progress == Progress(0, 3)


def test_each_does_what_remains_and_completes_it_when_the_body_ends(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    seen = []
    for name in checklist.each():
        assert name not in read_json(json_path(directory))["completed"]
        seen.append(name)

    again = state.open(ACCOUNT, TYPE, NAMES)
    assert seen == NAMES
    assert list(again.each()) == []
    assert again.completed == NAMES
    assert again.remaining == []
    assert str(again.progress) == "3 of 3"
    assert again.progress.fraction == 1.0


def test_a_later_run_does_only_what_remains(directory: Path, clock: Clock) -> None:
    for name in JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES).each():
        if name == "quiz-1":
            break

    later = JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)
    assert later.completed == ["daily-check-in"]
    assert list(later.each()) == ["quiz-1", "poll-1"]


def test_a_body_that_raises_or_breaks_leaves_its_activity_undone_and_free(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    with pytest.raises(ZeroDivisionError):
        raise_in(checklist)
    for _ in checklist.each():
        break

    assert checklist.remaining == NAMES
    assert checklist.failed == {}
    assert events(journal_path(directory))[1:] == ["start daily-check-in", "stop daily-check-in"] * 2


def test_an_activity_notes_its_start_duration_and_end(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    with checklist.activity("quiz-1") as activity:
        assert activity.name == "quiz-1"

    assert events(journal_path(directory))[1:] == ["start quiz-1", "complete quiz-1"]
    assert re.search(rb'"complete".*"process":\d+,"duration_ms":\d', journal_path(directory).read_bytes())
    assert checklist.is_complete("quiz-1")


def test_an_activity_that_fails_remains_with_its_error(state: JobState) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    with pytest.raises(ValueError, match="no good"), checklist.activity("quiz-1"):
        raise ValueError("no good")

    assert checklist.failed == {"quiz-1": "ValueError: no good"}
    assert checklist.remaining == NAMES
    with checklist.activity("quiz-1"):
        pass
    assert checklist.failed == {}
    assert checklist.completed == ["quiz-1"]


def test_an_interrupted_activity_has_not_failed(state: JobState) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    with pytest.raises(KeyboardInterrupt), checklist.activity("quiz-1"):
        raise KeyboardInterrupt

    assert checklist.failed == {}
    assert checklist.remaining == NAMES


def test_an_error_that_cannot_be_told_is_noted_all_the_same(state: JobState) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    checklist = state.open(ACCOUNT, TYPE, NAMES)
    with pytest.raises(Mute), checklist.activity("quiz-1"):
        raise Mute

    assert checklist.failed == {"quiz-1": "Mute: (its text raised RuntimeError)"}


def test_what_the_body_says_itself_counts(state: JobState) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    for _ in range(2):  # the same error twice is two failures
        for name in checklist.each():
            if name == "quiz-1":
                checklist.fail(name, ValueError("no quiz today"))
            elif name == "poll-1":
                checklist.skip(name, "no poll")

    assert checklist.completed == ["daily-check-in"]
    assert checklist.failed == {"quiz-1": "ValueError: no quiz today"}
    assert checklist.skipped == {"poll-1": "no poll"}
    assert checklist.remaining == ["quiz-1"]
    assert checklist.progress == Progress(1, 2)


def test_a_completed_activity_is_not_run_again(state: JobState) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    checklist.complete("quiz-1")

    with pytest.raises(AlreadyDone, match="quiz-1"), checklist.activity("quiz-1"):
        pytest.fail("it ran again")
    checklist.skip("quiz-1")
    checklist.fail("quiz-1", "late")
    assert checklist.completed == ["quiz-1"]
    assert checklist.skipped == checklist.failed == {}


def test_a_claimed_activity_is_refused_with_who_does_it(state: JobState, directory: Path, clock: Clock) -> None:
    other = JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    with other.activity("quiz-1"):
        with pytest.raises(AlreadyClaimed, match="this process"), checklist.activity("quiz-1"):
            pytest.fail("it ran twice at once")
        with pytest.raises(AlreadyClaimed), other.activity("quiz-1"):
            pytest.fail("it ran twice at once")
        assert list(checklist.each()) == ["daily-check-in", "poll-1"]

    with pytest.raises(AlreadyDone), checklist.activity("quiz-1"):
        pytest.fail("it ran again")


def test_two_programs_see_each_others_completions(state: JobState, directory: Path, clock: Clock) -> None:
    one = state.open(ACCOUNT, TYPE, NAMES)
    other = JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)

    one.complete("quiz-1")
    other.complete("poll-1")
    one.skip("daily-check-in")

    assert one.completed == other.completed == ["quiz-1", "poll-1"]
    assert one.remaining == other.remaining == []
    assert read_json(json_path(directory))["completed"] == ["quiz-1", "poll-1"]


def test_an_unknown_activity_is_named_with_what_is_near(state: JobState) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    for act in (checklist.complete, checklist.skip, checklist.activity):
        with pytest.raises(UnknownActivity, match="Did you mean 'quiz-1'"):
            act("quizz-1")
    with pytest.raises(UnknownActivity):
        checklist.fail("x" * 10_000, "?")
    with pytest.raises(UsageError):
        checklist.complete(1)  # type: ignore[arg-type]


def test_another_list_keeps_what_is_completed(state: JobState, directory: Path) -> None:
    state.open(ACCOUNT, TYPE, NAMES).complete("quiz-1")

    later = state.open(ACCOUNT, TYPE, ["new", "poll-1", "quiz-1"])

    assert later.completed == ["quiz-1"]
    assert later.remaining == ["new", "poll-1"]
    assert read_json(json_path(directory))["remaining"] == ["new", "poll-1"]
    later.complete("quiz-1")
    with pytest.raises(UnknownActivity):
        later.complete("daily-check-in")


@pytest.mark.parametrize(
    "names", ["quiz-1", 5, None, ["a", "a"], ["a", 1], [None]], ids=["text", "number", "none", "twice", "mixed", "null"]
)
def test_what_is_no_list_of_different_texts_is_refused_before_anything_is_made(
    state: JobState, directory: Path, names: list[str]
) -> None:
    with pytest.raises(UsageError):
        state.open(ACCOUNT, TYPE, names)

    assert not directory.exists()


def test_an_empty_list_is_done(state: JobState) -> None:
    checklist = state.open(ACCOUNT, TYPE, [])

    assert checklist.progress.fraction == 1.0
    assert list(checklist.each()) == []


def test_opening_again_changes_nothing(state: JobState, directory: Path, clock: Clock) -> None:
    state.open(ACCOUNT, TYPE, NAMES).complete("quiz-1")
    before = snapshot(directory)

    for _ in range(3):
        JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)
        state.open(ACCOUNT, TYPE, NAMES)

    assert snapshot(directory) == before


def test_an_activity_can_be_made_undone(state: JobState, directory: Path, clock: Clock) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    other = JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    checklist.complete("poll-1")
    other.skip("daily-check-in")

    assert state.reset(ACCOUNT, TYPE, activity="quiz-1")
    assert state.reset(ACCOUNT, TYPE, activity="daily-check-in")
    assert not state.reset(ACCOUNT, TYPE, activity="quiz-1")
    assert not state.reset("nobody", TYPE, activity="quiz-1")

    assert checklist.completed == other.completed == ["poll-1"]
    assert other.remaining == ["daily-check-in", "quiz-1"]
    assert read_json(json_path(directory))["completed"] == ["poll-1"]
    other.complete("quiz-1")
    assert checklist.completed == ["poll-1", "quiz-1"]


def test_a_checklist_can_begin_anew(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")

    assert state.reset(ACCOUNT, TYPE)
    assert not state.reset(ACCOUNT, TYPE)

    assert checklist.completed == []
    assert not json_path(directory).exists()
    checklist.complete("poll-1")
    assert read_json(json_path(directory))["completed"] == ["poll-1"]
    assert state.open(ACCOUNT, TYPE, NAMES).remaining == ["daily-check-in", "quiz-1"]


def test_the_second_look_costs_no_reading(state: JobState, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    before = json_path(directory).stat().st_atime_ns, journal_path(directory).stat().st_atime_ns
    monkeypatch.setattr("os.pread", None)
    monkeypatch.setattr("os.open", None)

    for _ in range(3):
        assert checklist.completed == ["quiz-1"]
        assert checklist.remaining == ["daily-check-in", "poll-1"]
        assert state.open(ACCOUNT, TYPE, NAMES).is_complete("quiz-1")

    assert before == (json_path(directory).stat().st_atime_ns, journal_path(directory).stat().st_atime_ns)
