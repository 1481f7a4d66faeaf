"""Killed at a named point: before the commit nothing has happened, after it everything."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract import operations
from tests.faults.fixtures import ROOT

PROGRAM = """
import sys
from pathlib import Path
from tests.contract import operations

getattr(operations, sys.argv[1]).act(Path(sys.argv[2]), lambda: print("acknowledged", flush=True))
"""

POINTS = {
    "submit": ["submit"],
    "claim": ["claim"],
    "save_step": ["save_step"],
    "save_checkpoint": ["save_checkpoint"],
    "finish": ["swap", "submit"],
    "fail": ["swap"],
    "prune": ["prune"],
    "take_in": ["import_jobs"],
    "put_schedule": ["put_schedule"],
    "fire_schedule": ["fire_schedule"],
}
"""The points each operation passes."""


@pytest.mark.parametrize(("place", "expected"), [("begun", "before"), ("committed", "after")])
@pytest.mark.parametrize(("name", "point"), [(name, point) for name, points in POINTS.items() for point in points])
def test_killed_before_the_commit_nothing_happened_and_after_it_everything(
    tmp_path: Path, name: str, point: str, place: str, expected: str
) -> None:
    operation = getattr(operations, name)
    operation.prepare(tmp_path)

    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, str(tmp_path)],
        env={**os.environ, "OUTLAST_CRASH_POINT": f"{point}:{place}"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    assert b"acknowledged" not in killed.stdout
    assert operation.look(tmp_path) == expected


REPLACEMENTS = [
    ("replace_a_file", "replace_file:written", "before"),
    ("replace_a_file", "replace_file:flushed", "before"),
    ("replace_a_file", "replace_file:renamed", "after"),
    ("back_up", "backup:copied", "before"),
    ("back_up", "backup:checked", "before"),
    ("back_up", "backup:renamed", "after"),
]


@pytest.mark.parametrize(("name", "point", "expected"), REPLACEMENTS)
def test_a_killed_replacement_leaves_the_old_or_the_new_file(
    tmp_path: Path, name: str, point: str, expected: str
) -> None:
    operation = getattr(operations, name)
    operation.prepare(tmp_path)

    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, str(tmp_path)],
        env={**os.environ, "OUTLAST_CRASH_POINT": point},
        cwd=ROOT,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL
    assert operation.look(tmp_path) == expected
