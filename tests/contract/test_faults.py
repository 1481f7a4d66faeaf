"""Faults of the disk: each becomes one of our errors, nothing is half done, and the store goes on once it is gone."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.steering import CHANGES
from tests.faults.faultio import EVERY_WRITE
from tests.faults.fixtures import ROOT, Strike, faultio, strike
from tests.figures import Figures
from tests.limits import hold_to

__all__ = ["faultio", "strike"]

OPERATIONS = "tests.contract.operations"
BROKEN, FULL, READ_ONLY = "StoreBroken", "StoreFull", "StoreReadOnly"
MOST_SECONDS = 10.0


def struck(faultio: Path, directory: Path, calls: str, error: str, *, state: str = "open") -> dict[str, Any]:
    """Return what tests.contract.struck tells."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.struck", calls, error, str(directory), state],
        env={**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("calls", "error", "name"),
    [
        ("write", "EIO", BROKEN),
        ("write", "ENOSPC", FULL),
        ("write", "EDQUOT", FULL),
        ("write", "EFBIG", FULL),
        ("write", "EROFS", READ_ONLY),
        ("fsync", "EIO", BROKEN),
        ("fsync", "ENOSPC", FULL),
        ("write,fsync,open", "EACCES", READ_ONLY),
        ("read,openr", "EMFILE", BROKEN),
    ],
)
def test_a_disk_that_fails_becomes_one_error_and_passes(
    faultio: Path, tmp_path: Path, calls: str, error: str, name: str
) -> None:
    answer = struck(faultio, tmp_path, calls, error)

    assert answer["write"] == name
    assert str(tmp_path / "jobs.db") in answer["message"]
    hold_to(MOST_SECONDS, answer["seconds"])
    assert answer["later"] == "done"
    assert "struck" not in answer["ids"]
    assert "later" in answer["ids"]
    assert answer["problems"] == []


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT", "EROFS"])
def test_a_disk_that_cannot_be_written_can_still_be_read(faultio: Path, tmp_path: Path, error: str) -> None:
    assert struck(faultio, tmp_path, "write,truncate", error)["read"] == "done"


@pytest.mark.parametrize("error", ["ENOLCK", "ESTALE"])
def test_locks_that_do_not_work_are_no_reason_to_wait(faultio: Path, tmp_path: Path, error: str) -> None:
    answer = struck(faultio, tmp_path, "lock", error, state="closed")

    assert answer["write"] == BROKEN
    assert os.strerror(getattr(errno, error)) in answer["message"]
    hold_to(1.0, answer["seconds"])
    assert answer["later"] == "done"


EVERYTHING = "TORTURE_STRIKES" in os.environ
KINDS: dict[str, dict[str, Any]] = {
    "EIO": {"mode": "errno", "ops": EVERY_WRITE, "error": errno.EIO},
    "ENOSPC": {"mode": "errno", "ops": EVERY_WRITE, "error": errno.ENOSPC},
}
RARE_KINDS: dict[str, dict[str, Any]] = {
    "EROFS": {"mode": "errno", "ops": EVERY_WRITE, "error": errno.EROFS},
    "EMFILE": {"mode": "errno", "ops": "open,openr", "error": errno.EMFILE},
    "ESTALE": {"mode": "errno", "ops": f"{EVERY_WRITE},read,openr", "error": errno.ESTALE},
    "ENOLCK": {"mode": "errno", "ops": "lock", "error": errno.ENOLCK},
    "short": {"mode": "short", "ops": "write", "error": 0},
}
NOT_NOTED = {"read_end": ("ENOSPC", "EROFS")}
"""What is not written down in a store that cannot be written, and does its work all the same: an end can be read, and
nothing is removed there in any case."""
SOME_CHANGES = ("submit", "finish")
SOME = 8


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "for ever"])
@pytest.mark.parametrize("kind", [*KINDS, *(RARE_KINDS if EVERYTHING else ())])
@pytest.mark.parametrize("name", CHANGES if EVERYTHING else SOME_CHANGES)
def test_an_error_at_any_call_leaves_all_or_nothing(
    strike: Strike, figures: Figures, name: str, kind: str, *, sticky: bool
) -> None:
    # SQLite itself waits ten seconds for shared memory that cannot be locked: some of the calls have to do.
    first, every = (1 + len(name) % SOME, SOME) if kind == "ENOLCK" else (1, 1)

    strokes = strike(CHANGES[name], name, first, every, **{**KINDS, **RARE_KINDS}[kind], sticky=sticky)

    figures.reached("faults", len(strokes))
    may_be_as_before = kind in NOT_NOTED.get(name, ())
    sound = [stroke.is_sound or (may_be_as_before and stroke.state == "before") for stroke in strokes]
    assert [stroke for stroke, is_sound in zip(strokes, sound, strict=True) if not is_sound] == []
    # What could not be done was said, and nothing was promised.
    assert [stroke for stroke in strokes if not stroke.error and not stroke.acknowledged] == []
    assert all(stroke.error.startswith(("Store", "OSError", "Busy")) for stroke in strokes if stroke.error)


@pytest.mark.parametrize("name", ["first_start", "back_up"])
def test_a_moment_without_descriptors_is_not_taken_for_a_damaged_file(strike: Strike, name: str) -> None:
    strokes = strike(OPERATIONS, name, **RARE_KINDS["EMFILE"], sticky=True)

    assert [stroke for stroke in strokes if not stroke.is_sound] == []


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "for ever"])
@pytest.mark.parametrize("mode", ["short", "errno"])
def test_a_file_that_could_not_be_replaced_is_the_old_one_and_no_other_is_left(
    strike: Strike, mode: str, sticky: bool
) -> None:
    strokes = strike(OPERATIONS, "replace_a_file", mode=mode, ops=EVERY_WRITE, sticky=sticky)

    assert [stroke for stroke in strokes if not stroke.is_sound] == []
