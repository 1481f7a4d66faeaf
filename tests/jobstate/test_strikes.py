"""kill -9, and faults of the disk, at every file-system call.

TORTURE_STRIKES=1 strikes all of them in every way.
"""

import errno
import os
from typing import Any

import pytest

from tests.faults.fixtures import Strike, faultio, strike
from tests.faults.striker import Stroke
from tests.figures import Figures

__all__ = ["faultio", "strike"]

OPERATIONS = "tests.jobstate.operations"
EVERY_CHANGE = "open,write,fsync,rename,unlink,mkdir,link,lock"
FULL = "TORTURE_STRIKES" in os.environ
CHANGES = ("first_open", "first_complete", "complete", "activity", "take_over", "undo", "reset", "pruning")
SOME_CHANGES = ("first_open", "complete", "undo")
ERRORS = {"StoreFull", "StoreBroken", "StoreReadOnly", "Busy"}


def unsound(strokes: list[Stroke]) -> list[Stroke]:
    return [stroke for stroke in strokes if not stroke.is_sound]


@pytest.mark.parametrize(
    ("name", "mode"),
    [(name, "kill") for name in CHANGES] + [(name, "killafter") for name in (CHANGES if FULL else SOME_CHANGES)],
)
def test_a_change_is_whole_wherever_it_is_killed(strike: Strike, figures: Figures, name: str, mode: str) -> None:
    strokes = strike(OPERATIONS, name, mode=mode)

    figures.reached("kills", len(strokes))
    assert unsound(strokes) == []
    assert len(strokes) > 5
    assert strokes[-1].acknowledged
    assert strokes[-1].state == "after"


@pytest.mark.planted
@pytest.mark.parametrize("name", ["promises_too_early", "writes_in_place"])
def test_a_planted_fault_is_found(strike: Strike, name: str) -> None:
    assert unsound(strike(OPERATIONS, name, mode="kill")) != []


KINDS: dict[str, dict[str, Any]] = {
    "EIO": {"mode": "errno", "ops": EVERY_CHANGE, "error": errno.EIO},
    "ENOSPC": {"mode": "errno", "ops": "open,write,mkdir,link,rename", "error": errno.ENOSPC},
    "EROFS": {"mode": "errno", "ops": "open,mkdir,rename,unlink,link", "error": errno.EROFS},
    "short": {"mode": "short", "ops": "write", "error": 0},
}
RARE_KINDS: dict[str, dict[str, Any]] = {
    "EMFILE": {"mode": "errno", "ops": "open,openr", "error": errno.EMFILE},
    "ESTALE": {"mode": "errno", "ops": EVERY_CHANGE, "error": errno.ESTALE},
    "ENOLCK": {"mode": "errno", "ops": "lock", "error": errno.ENOLCK},
}


@pytest.mark.parametrize("kind", [*KINDS, *(RARE_KINDS if FULL else ())])
@pytest.mark.parametrize(
    ("name", "sticky"),
    [("first_complete", True), ("activity", False), *([("first_complete", False), ("activity", True)] if FULL else [])],
)
def test_a_failing_disk_is_told_and_nothing_promised_is_lost(
    strike: Strike, figures: Figures, kind: str, name: str, sticky: bool
) -> None:
    strokes = strike(OPERATIONS, name, **{**KINDS, **RARE_KINDS}[kind], sticky=sticky)

    figures.reached("faults", len(strokes))
    assert unsound(strokes) == []
    told = {stroke.error.partition(":")[0] for stroke in strokes if not stroke.acknowledged}
    assert told
    assert told <= ERRORS
    assert all(stroke.error == "" or ": " in stroke.error for stroke in strokes)


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_named(strike: Strike, error: int) -> None:
    strokes = strike(OPERATIONS, "activity", mode="errno", ops="lock", error=error, sticky=True)

    assert unsound(strokes) == []
    assert "cannot be locked" in strokes[0].error
    assert "local disk" in strokes[0].error
