"""What a person does to the files while a program runs, and before it runs again: it means what one expects."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from outlast import JobState
from outlast.core.errors import StoreError
from tests.jobstate.places import ACCOUNT, NAMES, TYPE, Clock, events, journal_path, json_path, read_json


def another(directory: Path, clock: Clock) -> JobState:
    """Return job state of a program that starts now."""
    return JobState(dir=directory, timezone="UTC", clock=clock)


def shell(script: str, directory: Path) -> str:
    """Run what a person types in the directory above job state's."""
    done = subprocess.run(["sh", "-c", script], cwd=directory.parent.parent, capture_output=True, text=True, check=True)
    return done.stdout


def test_cat_shows_it(state: JobState, directory: Path) -> None:
    state.open(ACCOUNT, TYPE, NAMES).complete("quiz-1")

    shown = shell("cat sessions/job-state/user@email.com/daily-set-2025-09-20.json", directory)

    assert json.loads(shown)["completed"] == ["quiz-1"]


def test_deleting_the_json_resets_it(state: JobState, directory: Path, clock: Clock) -> None:
    state.open(ACCOUNT, TYPE, NAMES).complete("quiz-1")
    json_path(directory).unlink()

    checklist = another(directory, clock).open(ACCOUNT, TYPE, NAMES)

    assert checklist.completed == []
    assert checklist.remaining == NAMES
    assert [name for name in os.listdir(directory / ACCOUNT) if ".journal.reset-" in name]


def test_deleting_the_json_while_a_program_runs_resets_it_there(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")

    with checklist.activity("poll-1"):
        json_path(directory).unlink()
        assert checklist.completed == []
        assert not json_path(directory).exists()

    assert checklist.completed == ["poll-1"]
    assert read_json(json_path(directory))["remaining"] == ["daily-check-in", "quiz-1"]


def test_removing_the_whole_account_while_a_program_runs_begins_anew(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    done = []
    for name in checklist.each():
        if name == "quiz-1":
            shell("rm -rf sessions/job-state/user@email.com/", directory)
        done.append(name)

    assert done == NAMES
    assert read_json(json_path(directory))["completed"] == ["quiz-1", "poll-1"]
    assert checklist.remaining == ["daily-check-in"]
    assert list(checklist.each()) == ["daily-check-in"]


def test_looking_makes_no_file_of_a_checklist_that_was_removed(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    shutil.rmtree(directory)

    assert (checklist.completed, checklist.remaining) == ([], NAMES)
    assert not checklist.is_complete("quiz-1")
    assert not directory.exists()


def test_a_claim_outlives_a_reset(state: JobState, directory: Path, clock: Clock) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)

    with checklist.activity("quiz-1"):
        shutil.rmtree(directory)
        checklist.complete("poll-1")
        assert list(another(directory, clock).open(ACCOUNT, TYPE, NAMES).each()) == ["daily-check-in"]

    assert checklist.completed == ["poll-1", "daily-check-in", "quiz-1"]


def test_old_checklists_deleted_by_find_are_gone(state: JobState, directory: Path, clock: Clock) -> None:
    for day in ("2025-09-10", "2025-09-20"):
        state.open(ACCOUNT, TYPE, NAMES, day).complete("quiz-1")
    old = json_path(directory, day="2025-09-10")
    os.utime(old, (old.stat().st_mtime - 8 * 86_400,) * 2)
    today = state.open(ACCOUNT, TYPE, NAMES, "2025-09-20")

    with today.activity("poll-1"):
        shell('find sessions/job-state -name "*.json" -mtime +7 -delete', directory)

    assert today.completed == ["quiz-1", "poll-1"]
    assert [entry.date for entry in state.history()] == ["2025-09-20"]
    assert journal_path(directory, day="2025-09-10").exists()
    another(directory, clock).open(ACCOUNT, "weekly", ["a"])
    assert not journal_path(directory, day="2025-09-10").exists()
    assert journal_path(directory).exists()


def test_opening_an_old_checklist_does_not_make_it_young(state: JobState, directory: Path, clock: Clock) -> None:
    state.open(ACCOUNT, TYPE, NAMES, "2025-09-10").complete("quiz-1")
    os.utime(json_path(directory, day="2025-09-10"), (1, 1))

    another(directory, clock).open(ACCOUNT, TYPE, NAMES, "2025-09-10")

    assert json_path(directory, day="2025-09-10").stat().st_mtime == 1


def test_a_completion_written_by_hand_counts(state: JobState, directory: Path, clock: Clock) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    edited = read_json(json_path(directory))
    edited["completed"].append("poll-1")
    edited["remaining"].remove("poll-1")
    json_path(directory).write_text(json.dumps(edited))

    assert checklist.completed == ["quiz-1", "poll-1"]
    assert events(journal_path(directory))[-1] == "complete poll-1"
    json_path(directory).write_text("broken")
    assert another(directory, clock).open(ACCOUNT, TYPE, NAMES).completed == ["quiz-1", "poll-1"]


def test_a_completion_written_by_hand_counts_also_if_it_still_remains(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    edited = read_json(json_path(directory))
    edited["completed"].append("poll-1")
    json_path(directory).write_text(json.dumps(edited))

    checklist.complete("daily-check-in")

    assert read_json(json_path(directory))["completed"] == ["quiz-1", "daily-check-in", "poll-1"]
    assert checklist.remaining == []


def test_a_completion_removed_by_hand_comes_back(state: JobState, directory: Path, clock: Clock) -> None:
    state.open(ACCOUNT, TYPE, NAMES).complete("quiz-1")
    edited = read_json(json_path(directory))
    json_path(directory).write_text(json.dumps({**edited, "completed": [], "remaining": NAMES}))

    checklist = another(directory, clock).open(ACCOUNT, TYPE, NAMES)

    assert checklist.completed == ["quiz-1"]
    assert read_json(json_path(directory))["completed"] == ["quiz-1"]


def test_another_json_in_its_place_adds_its_completions(state: JobState, directory: Path, clock: Clock) -> None:
    state.open(ACCOUNT, TYPE, NAMES).complete("quiz-1")
    old = {"date": "2025-09-20", "account": ACCOUNT, "type": TYPE, "completed": ["poll-1"]}
    old |= {"remaining": ["daily-check-in", "quiz-1"], "lastUpdate": "2025-09-20T18:00:00.000Z"}
    json_path(directory).write_text(json.dumps(old))

    assert another(directory, clock).open(ACCOUNT, TYPE, NAMES).completed == ["quiz-1", "poll-1"]


def test_a_json_of_the_old_system_is_taken_over(directory: Path, clock: Clock) -> None:
    path = json_path(directory)
    path.parent.mkdir(parents=True)
    old = {"date": "2025-09-20", "account": ACCOUNT, "type": TYPE, "completed": ["quiz-1", "gone"]}
    path.write_text(json.dumps({**old, "remaining": ["poll-1"], "lastUpdate": "2025-09-20T06:00:00.000Z"}))

    assert another(directory, clock).history()[0].remaining == ("poll-1",)
    checklist = another(directory, clock).open(ACCOUNT, TYPE, NAMES)

    assert checklist.completed == ["quiz-1", "gone"]
    assert checklist.remaining == ["daily-check-in", "poll-1"]
    path.write_text("")
    assert another(directory, clock).open(ACCOUNT, TYPE, NAMES).completed == ["quiz-1", "gone"]


def test_undoing_an_activity_of_the_old_system_keeps_what_remains(directory: Path, clock: Clock) -> None:
    path = json_path(directory)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"completed": ["quiz-1"], "remaining": ["poll-1"]}))

    assert another(directory, clock).reset(ACCOUNT, TYPE, activity="quiz-1")

    assert read_json(path)["completed"] == []
    assert read_json(path)["remaining"] == ["poll-1"]


def test_a_deleted_journal_costs_nothing(state: JobState, directory: Path, clock: Clock) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    checklist.skip("daily-check-in", "not today")
    journal_path(directory).unlink()

    checklist.complete("poll-1")

    assert events(journal_path(directory)) == ["open", "complete quiz-1", "skip daily-check-in", "complete poll-1"]
    journal_path(directory).unlink()
    assert another(directory, clock).open(ACCOUNT, TYPE, NAMES).completed == ["quiz-1", "poll-1"]


def test_a_journal_that_is_cut_costs_what_was_skipped_at_most(state: JobState, directory: Path, clock: Clock) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    journal_path(directory).write_bytes(b"")

    checklist.complete("poll-1")

    assert checklist.completed == ["quiz-1", "poll-1"]
    assert set(another(directory, clock).open(ACCOUNT, TYPE, NAMES).completed) == {"quiz-1", "poll-1"}


def test_both_files_replaced_by_older_ones_are_believed(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    shutil.copytree(directory, directory.with_name("kept"))
    checklist.complete("poll-1")
    shutil.rmtree(directory)
    shutil.copytree(directory.with_name("kept"), directory)

    assert checklist.completed == ["quiz-1"]
    checklist.complete("daily-check-in")
    assert read_json(json_path(directory))["completed"] == ["quiz-1", "daily-check-in"]


@pytest.mark.parametrize("name", ["json", "journal"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "loop"])
def test_what_is_no_file_is_named_with_what_mends_it(directory: Path, clock: Clock, name: str, kind: str) -> None:
    path = json_path(directory) if name == "json" else journal_path(directory)
    path.parent.mkdir(parents=True)
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)

    with pytest.raises(StoreError, match="Move it away") as caught:
        another(directory, clock).open(ACCOUNT, TYPE, NAMES)

    assert str(path) in caught.value.message
    other = another(directory, clock).open(ACCOUNT, "other", NAMES)
    assert other.remaining == NAMES


def test_a_file_in_the_place_of_the_account_is_named(directory: Path, clock: Clock) -> None:
    directory.mkdir(parents=True)
    (directory / ACCOUNT).touch()

    with pytest.raises(StoreError, match="Move it away"):
        another(directory, clock).open(ACCOUNT, TYPE, NAMES)


def test_a_json_keeps_its_mode(state: JobState, directory: Path) -> None:
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    json_path(directory).chmod(0o600)

    checklist.complete("quiz-1")

    assert json_path(directory).stat().st_mode & 0o777 == 0o600
