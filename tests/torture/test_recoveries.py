"""T5: a supervisor is struck while it recovers from a death, the next one while it recovers from that, and a third one.

TORTURE_RECOVERIES is the number of rounds, each of three strikes.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fixtures import ROOT, faultio
from tests.figures import Figures

__all__ = ["faultio"]

ROUNDS = int(os.environ.get("TORTURE_RECOVERIES", "8"))
DEPTH = 3
LAST_CALL = 60
"""A recovery makes about so many calls that change a file; later ones belong to the jobs it starts."""
KILLS: tuple[dict[str, Any], ...] = ({"mode": "kill"}, {"mode": "killafter"})
FAULTS: tuple[dict[str, Any], ...] = (
    {"mode": "errno", "sticky": True},
    {"mode": "errno", "sticky": False},
    {"mode": "short", "ops": "write", "sticky": False},
)


def drawn(chance: random.Random) -> list[dict[str, Any]]:
    """Return the strikes of a round: kills, and now and then a disk that fails."""
    return [
        {"nth": chance.randint(1, LAST_CALL), **chance.choice(KILLS if chance.random() < 0.8 else FAULTS)}
        for _ in range(DEPTH)
    ]


def recovered(library: Path, directory: Path, rounds: list[list[dict[str, Any]]], *planted: str) -> list[Any]:
    """Return what tests.torture.recoveries tells of the rounds."""
    words = [str(directory), json.dumps(rounds), *planted]
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.recoveries", *words],
        env={**os.environ, "LD_PRELOAD": str(library), "FI_OPS": "none", "OUTLAST_AUTOSTART": "0"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(120 + 5 * ROUNDS)
def test_a_recovery_that_is_struck_three_deep_loses_and_repeats_nothing(
    faultio: Path, memory_disk: Path, figures: Figures
) -> None:
    chance = random.Random(figures.seed())
    rounds = [drawn(chance) for _ in range(ROUNDS)]

    told = recovered(faultio, memory_disk, rounds)

    figures.reached("strikes", sum(each["strikes"] for each in told))
    assert len(told) == ROUNDS
    assert [(strikes, each["faults"]) for strikes, each in zip(rounds, told, strict=True) if each["faults"]] == []
    assert sum(each["strikes"] for each in told) > ROUNDS * DEPTH // 2


@pytest.mark.planted
@pytest.mark.parametrize("fault", ["count_each_look", "put_back_too_soon"])
def test_the_check_sees_a_planted_fault(faultio: Path, memory_disk: Path, fault: str) -> None:
    told = recovered(faultio, memory_disk, [[{"nth": nth} for nth in (40, 45, 30)]], fault)

    assert told[0]["strikes"] == DEPTH
    assert told[0]["faults"] != []
