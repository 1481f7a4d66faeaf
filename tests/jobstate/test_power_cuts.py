"""Whatever state a power cut leaves the disk in, what was promised is there.

TORTURE_STATES judges so many states of each moment.
"""

import json
import logging
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from outlast import JobState, OutlastError
from tests.faults.crashstates import Call, Disk, Plan, judge, read_recording
from tests.faults.fixtures import ROOT, faultio
from tests.figures import Figures
from tests.jobstate.places import ACCOUNT, DAY, NAMES, TYPE, json_path
from tests.jobstate.story import DIRECTORY, STORIES

__all__ = ["faultio"]

OLD = {"date": DAY, "account": ACCOUNT, "type": TYPE, "completed": NAMES[:1], "remaining": NAMES[1:], "lastUpdate": ""}
NOTHING: frozenset[str] = frozenset()
MOST = int(os.environ.get("TORTURE_STATES", "40"))


def recorded(faultio: Path, tmp_path: Path, story: str, *faults: str) -> tuple[list[Call], Disk]:
    """Return the calls of a story, told by a process of its own, and what stood there before."""
    root, recording = tmp_path / "root", tmp_path / "recording"
    root.mkdir()
    if story == "takes_over":
        path = json_path(root / DIRECTORY)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(OLD))
    before = Disk.of(root)
    environment = {**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none", "FI_PATH": str(root)}
    subprocess.run(
        [sys.executable, "-m", "tests.jobstate.story", str(root), story, *faults],
        env={**environment, "FI_REC": str(recording)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return read_recording(recording, root, before), before


class Promises:
    """What somebody relies on who has read what a story told; and what may have happened besides."""

    def __init__(self, told: str, done: set[str]) -> None:
        self.done = done
        self.maybe: set[str] = set()
        for word, name in (line.split(" ", 1) for line in told.splitlines()):
            match word:
                case "began" | "undoing":
                    self.maybe.add(name)
                case "completed":
                    self.done.add(name)
                    self.maybe.discard(name)
                case "undone":
                    self.done.discard(name)
                    self.maybe.discard(name)
                case "resetting":
                    self.maybe |= self.done
                case "reset":
                    self.done, self.maybe = set(), set()
        self.done -= self.maybe


def check(done: frozenset[str], disk: Path, told: str) -> str | None:
    """Open the checklist as the next run does; return what is wrong, or None."""
    directory = disk / DIRECTORY
    promises = Promises(told, set(done))
    try:
        before = JobState(dir=directory, timezone="UTC").history()
        checklist = JobState(dir=directory, timezone="UTC").open(ACCOUNT, TYPE, NAMES, DAY)
        completed = set(checklist.completed)
        if not promises.done <= completed:
            return f"LOST: {promises.done - completed}"
        if before and set(before[0].completed) != completed:
            return f"SEEN OTHERWISE: {before[0].completed}, then {completed}"
        if completed - promises.done - promises.maybe:
            return f"INVENTED: {completed - promises.done}"
        list(checklist.each())
    except OutlastError as error:
        return f"REFUSED: {error}"
    shown = json.loads(json_path(directory).read_bytes())
    return None if sorted(shown["completed"]) == sorted(NAMES) else f"UNFINISHED: {shown}"


def check_for(word: str, disk: Path, told: str) -> str | None:
    """The same, but only one kind of fault."""
    fault = check(NOTHING, disk, told)
    return fault if fault is not None and fault.startswith(word) else None


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Say nothing of damaged JSONs: here they are what is looked for."""
    logging.getLogger("outlast.jobstate").setLevel(logging.CRITICAL)
    caplog.set_level(logging.CRITICAL, "outlast.jobstate")


@pytest.mark.parametrize("model", ["ordered", "weak"])
@pytest.mark.parametrize("story", STORIES)
def test_no_power_cut_loses_what_was_promised(
    faultio: Path, tmp_path: Path, figures: Figures, story: str, model: str
) -> None:
    calls, before = recorded(faultio, tmp_path, story)

    done = frozenset(NAMES[:1]) if story == "takes_over" else NOTHING
    verdict = judge(calls, partial(check, done), Plan(model=model, most=MOST, before=before))

    figures.reached("states", verdict.states)
    assert verdict.examples == []
    assert verdict.states > 50


@pytest.mark.planted
@pytest.mark.parametrize(
    ("story", "fault", "shows_as"),
    [
        ("completes", "without_flushes", "LOST"),
        ("completes", "without_directory_flushes", "LOST"),
        ("begins_anew", "with_a_hasty_undo", "INVENTED"),
    ],
)
def test_the_check_sees_a_planted_fault(faultio: Path, tmp_path: Path, story: str, fault: str, shows_as: str) -> None:
    calls, _ = recorded(faultio, tmp_path, story, fault)

    verdict = judge(calls, partial(check_for, shows_as), Plan(model="weak", most=MOST, to_the_end=False))

    print(f"{fault}: {verdict.states} states, {dict(verdict.faults)}, {verdict.examples[:1]}")
    assert verdict.faults[shows_as] > 0
