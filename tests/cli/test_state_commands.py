"""`outlast state` as a process: what it prints, what it refuses, and what is on the disk afterwards."""

import json
import os
import re
from pathlib import Path

import pytest

from outlast import JobState
from tests.cli.screens import check_screen, masked
from tests.cli.shell import Shell
from tests.cli.test_completion import completed

DAY = "2025-09-20"
NAMES = ["check-in", "quiz-1", "poll"]
WHERE = ("--dir", "state")


@pytest.fixture
def state(shell: Shell) -> JobState:
    """Return job state of a person: two accounts, two types, an old day."""
    state = JobState(dir=shell.directory / "state", timezone="UTC")
    for account, type_name, day in (("a@b.org", "daily", DAY), ("bob", "daily", DAY), ("bob", "weekly", "2024-01-01")):
        state.open(account, type_name, NAMES, day).complete("quiz-1")
    state.open("bob", "daily", NAMES, DAY).fail("poll", ValueError("no poll"))
    return state


def test_list_and_show_say_what_there_is(shell: Shell, state: JobState) -> None:
    listed = shell.outlast("state", "list", *WHERE, "--since", "2025-01-01", code=0)
    objects = shell.outlast("state", "list", *WHERE, "--since", "2000-01-01", "--json", code=0).object["checklists"]
    shown = shell.outlast("state", "show", "bob", *WHERE, code=0).out

    assert [line.split()[:3] for line in listed.out.splitlines()[1:]] == [
        [DAY, "a@b.org", "daily"],
        [DAY, "bob", "daily"],
    ]
    assert [(each["account"], each["type"], each["completed"]) for each in objects] == [
        ("a@b.org", "daily", ["quiz-1"]),
        ("bob", "daily", ["quiz-1"]),
        ("bob", "weekly", ["quiz-1"]),
    ]
    assert objects[1]["failed"] == {"poll": "ValueError: no poll"}
    assert "poll      failed" in shown
    [told] = shell.outlast("state", "show", "bob", "weekly", "--json", *WHERE, code=0).object["checklists"]
    assert [each["status"] for each in told["activities"]] == ["completed", "remaining", "remaining"]


def test_what_is_not_there_is_not_found_and_not_made(shell: Shell) -> None:
    assert "There are no checklists" in shell.outlast("state", "list", code=0).err
    assert shell.outlast("state", "list", "--json", code=0).object == {"checklists": []}
    assert shell.outlast("state", "show", "nobody", "--json", code=4).error["code"] == "not_found"
    assert shell.outlast("state", "report", code=0).out == ""
    assert shell.outlast("state", "doctor", code=0).out.endswith("all is well\n")
    assert shell.outlast("state", "reset", "--account", "a", "--type", "t", "--yes", code=4).err
    assert shell.outlast("state", "prune", "--older-than", "7d", code=0).out == "0 checklists removed\n"
    assert sorted(os.listdir(shell.directory)) == ["jobs.py"]


def test_a_configuration_says_where(shell: Shell, state: JobState) -> None:
    (shell.directory / "config.json").write_text(json.dumps({"jobState": {"enabled": True, "dir": "state"}}))
    assert len(shell.outlast("state", "list", "--json", "--since", "2025-01-01", code=0).object["checklists"]) == 2

    (shell.directory / "config.json").write_text(json.dumps({"jobState": {"enabled": False}}))
    assert "is off" in shell.outlast("state", "list", code=2).err
    (shell.directory / "config.json").write_text(json.dumps({"jobState": {"enabled": "ja"}}))
    refused = shell.outlast("state", "list", "--json", code=2)
    assert refused.error["message"] == 'jobState.enabled in config.json is "ja", neither true nor false.'


def test_reset_undoes_an_activity_or_all(shell: Shell, state: JobState) -> None:
    which = ("--account", "bob", "--type", "daily", "--date", DAY, *WHERE)

    assert "--yes" in shell.outlast("state", "reset", *which, "--activity", "quiz-1", code=2).err
    shell.outlast("state", "reset", *which, "--dry-run", code=0)
    assert state.open("bob", "daily", NAMES, DAY).completed == ["quiz-1"]
    shell.outlast("state", "reset", *which, "--activity", "quiz-1", "--yes", code=0)
    assert state.open("bob", "daily", NAMES, DAY).completed == []
    assert shell.outlast("state", "reset", *which, "--activity", "quiz-1", "--yes", code=4).err
    state.open("bob", "daily", NAMES, DAY).complete("poll")
    shell.outlast("state", "reset", *which, "--yes", "--json", code=0)
    assert not (shell.directory / "state" / "bob" / f"daily-{DAY}.json").exists()


def test_a_person_is_asked_before_something_goes(shell: Shell, state: JobState) -> None:
    which = ("state", "reset", "--account", "bob", "--type", "daily", "--date", DAY, *WHERE)

    said = shell.on_terminal(*which, answer="n\n")

    assert (said.code, "Nothing was done" in said.out) == (0, True)
    assert "Forget 1 completed activity?" in said.out
    assert shell.on_terminal(*which, answer="y\n").code == 0
    assert state.history("bob", "daily") == []


def test_prune_removes_old_days_only(shell: Shell, state: JobState) -> None:
    assert (
        "1 checklist would be removed"
        in shell.outlast("state", "prune", "--older-than", "2025-01-01", "--dry-run", *WHERE).out
    )
    assert shell.outlast("state", "prune", "--older-than", "2025-01-01", *WHERE, code=2).err
    assert (
        shell.outlast("state", "prune", "--older-than", "2025-01-01", "--yes", *WHERE, code=0).out
        == "1 checklist removed\n"
    )
    assert [entry.type for entry in state.history()] == ["daily", "daily"]
    assert shell.outlast("state", "prune", "--older-than", "7 days", "--json", *WHERE, code=2).error["code"] == "usage"


def test_prune_leaves_what_is_in_use(shell: Shell, state: JobState) -> None:
    old = state.open("bob", "weekly", NAMES, "2024-01-01")

    with old.activity("poll"):
        removed = shell.outlast("state", "prune", "--older-than", "2025-01-01", "--yes", "--json", *WHERE, code=0)

    assert removed.object["removed"] == []
    assert old.completed == ["quiz-1", "poll"]


def test_the_doctor_finds_what_is_damaged(shell: Shell, state: JobState) -> None:
    assert shell.outlast("state", "doctor", *WHERE, code=0).out.endswith("all is well\n")
    (shell.directory / "state" / "bob" / f"daily-{DAY}.json").write_text("{")

    said = shell.outlast("state", "doctor", *WHERE, code=1)
    told = shell.outlast("state", "doctor", "--json", *WHERE, code=1).object

    assert "it is damaged: it is no JSON" in said.out
    assert [finding["problem"].partition(":")[0] for finding in told["findings"]] == ["it is damaged"]


def test_export_and_import_carry_everything(shell: Shell, state: JobState) -> None:
    lines = shell.outlast("state", "export", *WHERE, code=0).lines
    shell.outlast("state", "export", "copy", "--account", "bob", *WHERE, code=0)

    assert len(lines) == 3
    assert sorted(os.listdir(shell.directory / "copy")) == ["bob"]
    assert (
        "2 checklists of 2 would be taken over"
        in shell.outlast("state", "import", "copy", "--dry-run", "--dir", "new").out
    )
    assert not (shell.directory / "new").exists()
    assert shell.outlast("state", "import", "copy", "--dir", "new", code=0).out == "2 checklists of 2 taken over\n"
    assert shell.outlast("state", "import", "copy", "--dir", "new", code=0).out == "0 checklists of 2 taken over\n"
    taken = JobState(dir=shell.directory / "new").history("bob", "daily")
    assert [(entry.completed, entry.remaining) for entry in taken] == [(("quiz-1",), ("check-in", "poll"))]
    assert shell.outlast("state", "import", "nowhere", code=4).err
    assert shell.outlast("state", "import", "jobs.py", code=4).err


def test_import_adds_to_what_is_here(shell: Shell, state: JobState) -> None:
    old = shell.directory / "old" / "Some_Dir"
    old.mkdir(parents=True)
    said = {"date": DAY, "account": "bob", "type": "daily", "completed": ["check-in", "extra"], "remaining": ["poll"]}
    (old / f"daily-{DAY}.json").write_text(json.dumps({**said, "lastUpdate": f"{DAY}T01:00:00.000Z"}))

    shell.outlast("state", "import", "old", *WHERE, code=0)

    [entry] = state.history("bob", "daily")
    assert entry.completed == ("quiz-1", "check-in", "extra")
    assert entry.remaining == ("poll",)
    assert entry.failed == {"poll": "ValueError: no poll"}


def test_the_report_is_text_json_or_a_page(shell: Shell, state: JobState) -> None:
    told = shell.outlast("state", "report", "--since", "2024-01-01", "--json", *WHERE, code=0).object
    shell.outlast("state", "report", "--since", "2024-01-01", "--html", "out.html", *WHERE, code=0)
    page = shell.outlast(
        "state", "report", "--since", "2024-01-01", "--html", "-", "--account", "bob", *WHERE, code=0
    ).out
    text = shell.outlast("state", "report", "--since", "2024-01-01", *WHERE, code=0).out

    assert told["total"] == {"completed": 3, "planned": 9, "rate": 0.3333, "checklists": 3, "failures": 1}
    assert [each["account"] for each in told["accounts"]] == ["a@b.org", "bob"]
    assert told["activities"][0]["last_error"] == "ValueError: no poll"
    assert (shell.directory / "out.html").read_text().startswith("<!doctype html>")
    assert "a@b.org" not in page
    assert "33% done (3 of 9), 1 failure, 3 checklists" in text
    assert shell.outlast("state", "report", "--since", "soon", "--json", *WHERE, code=2).error["code"] == "usage"


def test_a_report_takes_the_place_of_no_other_file(shell: Shell, state: JobState) -> None:
    words = ("state", "report", "--since", "2024-01-01", *WHERE, "--html")
    program = (shell.directory / "jobs.py").read_text()
    null = os.stat("/dev/null")

    shell.outlast(*words, "page.html", code=0)
    shell.outlast(*words, "page.html", code=0)
    shell.outlast(*words, "/dev/null", code=0)
    refused = shell.outlast(*words, "jobs.py", code=2)

    assert refused.err == "Error: jobs.py is no report, and is not overwritten.\nName another file, or remove it.\n"
    assert (shell.directory / "jobs.py").read_text() == program
    assert os.stat("/dev/null").st_ino == null.st_ino


def test_without_a_command_the_help_is_shown(shell: Shell) -> None:
    bare = shell.outlast("state", code=0)

    assert bare.out.startswith("Usage: outlast state [OPTIONS] COMMAND")
    assert bare.err == ""


def test_accounts_and_types_are_completed(shell: Shell, state: JobState, monkeypatch: pytest.MonkeyPatch) -> None:
    (shell.directory / "config.json").write_text(json.dumps({"jobState": {"dir": "state"}}))
    JobState(dir=shell.directory / "state").open("bob", "daily-new", ["a"])

    assert [word for word, _ in completed(shell, "state", "show", "b")] == ["bob"]
    assert [word for word, _ in completed(shell, "state", "show", "bob", "")] == ["daily-new"]
    assert [word for word, _ in completed(shell, "state", "list", "--account", "")] == ["a@b.org", "bob"]
    assert [word for word, _ in completed(shell, "state", "reset", "--type", "daily-")] == ["daily-new"]
    assert [word for word, _ in completed(shell, "state", "re")] == ["report", "reset"]


def test_hostile_names_steer_no_terminal(shell: Shell) -> None:
    hostile = "\x1b[31mred\x07\nline\u202e"
    JobState(dir=shell.directory / "state").open(hostile, hostile, [hostile], DAY).fail(hostile, hostile)

    for words in (("list", "--since", DAY), ("show", hostile), ("report", "--since", DAY)):
        said = shell.outlast("state", *words, *WHERE, code=0).out
        assert not set("\x1b\x07\u202e") & set(said)
        assert "\\x1b[31mred" in said


def test_state_loads_no_store(shell: Shell) -> None:
    from tests.cli.test_loading import loaded

    modules = loaded(shell, "state", "list", "--json")

    assert not any(
        name.startswith(("outlast.storage", "outlast.engine", "outlast.service", "apsw", "rich")) for name in modules
    )


def test_a_directory_that_is_none_is_told(shell: Shell, tmp_path: Path) -> None:
    (shell.directory / "file").touch()

    assert "no directory" in shell.outlast("state", "doctor", "--dir", "file", code=1).out
    assert shell.outlast("state", "list", "--dir", "file", code=0).out == ""


def test_every_command_fits_80_columns(shell: Shell, state: JobState) -> None:
    bob = ("--account", "bob", "--type", "daily", "--date", DAY)
    told = []
    for words in (
        ("list",),
        ("list", "--since", "2025-01-01"),
        ("show", "bob", "daily"),
        ("show", "nobody"),
        ("doctor",),
        ("reset", *bob, "--activity", "quiz-1", "--dry-run"),
        ("reset", *bob),
        ("reset", *bob, "--activity", "poll-9", "--yes"),
        ("export", "copy"),
        ("export", "--dry-run"),
        ("prune", "--older-than", "2025-01-01", "--dry-run"),
        ("reset", *bob, "--yes"),
        ("import", "copy", "--dry-run"),
        ("import", "copy"),
        ("import", "nowhere"),
    ):
        told.append(transcript(shell, *words))
    (shell.directory / "state" / "bob" / f"daily-{DAY}.json").write_text('{"completed": "abc"}')
    told += [transcript(shell, "doctor"), transcript(shell, "prune", "--older-than", "2025-01-01", "--yes")]

    check_screen("state-commands", masked("\n".join(told)))


def transcript(shell: Shell, *words: str) -> str:
    """Return a command and what it says, without what differs from run to run: the directory, times and ages."""
    said = shell.outlast("state", *words, *WHERE)
    text = f"$ outlast state {' '.join(words)}\n{said.out}{said.err}" + (f"[exit {said.code}]\n" if said.code else "")
    text = text.replace(str(shell.directory), "HERE").replace(f"--account bob --type daily --date {DAY}", "…")
    text = re.sub(r" +(now|\d+s)$", "  AGE", text, flags=re.MULTILINE)
    return re.sub(r"\d\d:\d\d:\d\d", "hh:mm:ss", text)
