"""A repair that is killed anywhere, or finds no room, has done nothing or is finished by running it again."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash import repairs
from tests.faults.fixtures import ROOT, Strike, faultio, strike
from tests.faults.striker import Stroke
from tests.figures import Figures

__all__ = ["faultio", "strike"]

MODULE = "tests.crash.repairs"
STRIDE = int(os.environ.get("TORTURE_STRIDE", "18"))
"""Every so many-th call is struck, beginning anywhere; TORTURE_STRIDE=1 strikes at all of them."""
POINTS = ("built", "marked", "aside", "renamed", "unmarked")
PROGRAM = """
import sys
from pathlib import Path
from tests.crash import repairs
repairs.act(Path(sys.argv[1]), lambda: print("acknowledged", flush=True))
"""


def unsound(strokes: list[Stroke]) -> list[Stroke]:
    return [stroke for stroke in strokes if not stroke.is_sound]


@pytest.mark.parametrize("point", [*POINTS, "aside#2"])
def test_a_repair_that_is_killed_at_a_point_is_finished_by_the_next(tmp_path: Path, point: str) -> None:
    repairs.prepare(tmp_path)

    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "OUTLAST_CRASH_POINT": f"repair:{point}"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert repairs.look(tmp_path) == ("after" if point == "unmarked" else "before")


@pytest.mark.parametrize("mode", ["kill", "killafter", "errno"])
def test_a_repair_that_is_struck_at_any_call_is_finished_by_the_next(
    strike: Strike, figures: Figures, mode: str
) -> None:
    first = random.Random(figures.seed()).randint(1, STRIDE)
    print(f"struck at call {first} and every {STRIDE} calls")

    strokes = strike(MODULE, "repairing", first, STRIDE, mode=mode)

    figures.reached("kills", len(strokes))
    assert unsound(strokes) == []
    assert len(strokes) > 60 // STRIDE


@pytest.mark.planted
def test_a_planted_fault_is_found(strike: Strike) -> None:
    assert unsound(strike(MODULE, "repairing_unmarked", 1, 2, mode="kill", ops="rename,unlink,link")) != []
