"""The preloadable library, built once a session, and the strokes of an operation."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faultio import build
from tests.faults.striker import Stroke

ROOT = Path(__file__).resolve().parent.parent.parent

Strike = Callable[..., list[Stroke]]


@pytest.fixture(scope="session")
def faultio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library to preload; skip where there is no gcc."""
    library = build(tmp_path_factory.mktemp("faultio"))
    if library is None:
        pytest.skip("needs gcc")
    return library


@pytest.fixture
def strike(faultio: Path, tmp_path: Path, memory_disk: Path) -> Strike:
    """Return a function that strikes an Operation, named by its module and name; keywords are fields of Fault.

    With `every` only each so many-th call is struck, from the `first` on.
    """

    def run(module: str, name: str, first: int = 1, every: int = 1, **fault: Any) -> list[Stroke]:
        # Whoever is killed at a call leaves the same on every disk; in memory a flush costs nothing.
        words = [module, name, str(memory_disk), json.dumps(fault), str(first), str(every)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.striker", *words],
            # Struck processes end at once, and may leave temporary files.
            env={**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none", "TMPDIR": str(tmp_path)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [Stroke(**json.loads(line)) for line in done.stdout.splitlines()]

    return run
