"""Any text may name an account, a type and an activity: each has its own file inside the directory."""

import os
from pathlib import Path

import pytest

from outlast import JobState
from outlast.core.errors import UsageError
from outlast.core.filenames import original_name, safe_file_name
from outlast.jobstate.places import Places
from outlast.jobstate.view import Title
from tests.jobstate import planted
from tests.jobstate.hostile import HOSTILE, hostile_names
from tests.jobstate.places import DAY, Clock, read_json, snapshot, visible_names


def faults_of_names(root: Path, clock: Clock, what: str, names: list[str]) -> list[str]:
    """Give each name a checklist; return what is wrong with the files, in the directory and around it."""
    outside = root / "outside"
    (outside / "etc").mkdir(parents=True)
    (outside / "etc" / "passwd").write_text("root")
    before = snapshot(outside)
    directory = outside / "deep" / "job-state"
    state = JobState(dir=directory, timezone="UTC", clock=clock)

    for name in names:
        account, type_name = (name, "set") if what == "account" else ("one", name)
        state.open(account, type_name, ["done", "left"]).complete("done")

    files = [directory / name for name in visible_names(directory)]
    told = JobState(dir=directory, timezone="UTC", clock=clock)
    wanted = {(name, "set") if what == "account" else ("one", name) for name in names}
    around = {name: each for name, each in snapshot(outside).items() if not name.startswith("deep/job-state/")}
    holds = {
        "one file each": len(files) == len(names),
        "each says whose it is": {(read_json(path)["account"], read_json(path)["type"]) for path in files} == wanted,
        "each is completed": all(read_json(path)["completed"] == ["done"] for path in files),
        "all are inside": {path.parent.parent for path in files} == {directory},
        "nothing else is there": sorted(os.listdir(outside)) == ["deep", "etc"],
        "nothing outside has changed": around == before,
        "history": {getattr(entry, what) for entry in told.history()} == set(names),
        "accounts": told.accounts() == (sorted(names) if what == "account" else ["one"]),
        "doctor": told.doctor() == [],
    }
    return [name for name, is_so in holds.items() if not is_so]


@pytest.mark.parametrize("what", ["account", "type"])
def test_every_hostile_name_has_one_file_inside_the_directory(memory_disk: Path, clock: Clock, what: str) -> None:
    names = hostile_names(300)

    assert len(set(names)) == 300
    assert faults_of_names(memory_disk, clock, what, names) == []


@pytest.mark.parametrize(("fault", "shows_as"), [("twins_share_a_file", "one file"), ("climbs_out", "nothing outside")])
def test_names_that_meet_or_climb_out_are_noticed(
    memory_disk: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, fault: str, shows_as: str
) -> None:
    monkeypatch.setattr(Places, "_name", Places._name)  # put back what is planted now
    planted.FAULTS[fault]()

    assert any(each.startswith(shows_as) for each in faults_of_names(memory_disk, clock, "account", hostile_names(60)))


def test_hostile_activities_are_kept_apart(state: JobState, directory: Path) -> None:
    names = hostile_names(200)
    checklist = state.open("a", "t", names)

    for name in names[::2]:
        with checklist.activity(name):
            pass
    for name in names[1::4]:
        checklist.skip(name, name)
    for name in names[3::4]:
        checklist.fail(name, name)

    again = JobState(dir=directory, timezone="UTC", clock=state.now).open("a", "t", names)
    assert again.completed == names[::2]
    assert again.skipped == {name: name[:2_000] for name in names[1::4]}
    assert again.failed == {name: name[:2_000] for name in names[3::4]}
    assert read_json(directory / "a" / f"t-{DAY}.json")["completed"] == names[::2]


def test_case_twins_stay_apart_on_a_case_blind_disk(tmp_path: Path) -> None:
    places = Places(str(tmp_path), None)
    places._case_blind = True

    files = [places.json(Title(account, "Set", DAY)) for account in ("Bob", "bob", "BOB", "ſ", "s", "\u212a", "K", "k")]

    assert len({file.lower() for file in files}) == len(files)
    assert files[1] == str(tmp_path / "bob" / f"%53et-{DAY}.json")


def test_the_disk_is_looked_at_once_and_leaves_no_trace(tmp_path: Path) -> None:
    empty, full = Places(str(tmp_path), None), Places(str(tmp_path), None)

    assert not empty.case_blind
    assert os.listdir(tmp_path) == []
    (tmp_path / "Bob").mkdir()
    (tmp_path / "bOB").mkdir()
    assert not full.case_blind


def test_other_peoples_files_mean_nothing(state: JobState, directory: Path) -> None:
    state.open("a", "t", ["x"]).complete("x")
    (directory / "README.md").write_text("hello")
    (directory / "a" / "notes.json").write_text("{}")
    (directory / "a" / "t-2025-99-99x.json").write_text("{}")
    (directory / ".git").mkdir()
    (directory / "empty").mkdir()

    assert state.accounts() == ["a"]
    assert [entry.date for entry in state.history()] == [DAY]
    state.prune("2025-09-21")
    assert visible_names(directory) == ["README.md", "a/notes.json", "a/t-2025-99-99x.json"]


@pytest.mark.parametrize("case_blind", [False, True])
def test_a_file_name_tells_the_name_unless_it_was_shortened(case_blind: bool) -> None:
    for name in HOSTILE:
        file_name = safe_file_name(name, case_blind=case_blind)
        assert original_name(file_name) == (None if "~" in file_name else name)
    for foreign in ("~", "a b", "%zz", "%2f", "%FF", ".x", "a~b", "é"):
        assert original_name(foreign) is None


@pytest.mark.parametrize("name", [None, 5, b"bytes", ["a"], "\ud83d\ude00x"], ids=ascii)
def test_a_name_that_is_no_text_or_another_one_in_json_is_refused(state: JobState, directory: Path, name: str) -> None:
    with pytest.raises(UsageError):
        state.open(name, "t", ["x"])
    with pytest.raises(UsageError):
        state.open("a", name, ["x"])
    with pytest.raises(UsageError):
        state.open("a", "t", [name])
    assert not directory.exists()
