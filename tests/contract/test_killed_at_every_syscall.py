"""kill -9 at every file-system call: a change has happened whole or not at all, and whole if it was promised.

Killed before a call, a change leaves what it leaves when it is killed after the call before; so that is tried with one
change only. TORTURE_STRIKES=1 kills before and after each call of every change.
"""

import os

import pytest

from tests.contract.steering import CHANGES
from tests.faults.fixtures import Strike, faultio, strike
from tests.faults.striker import Stroke
from tests.figures import Figures

__all__ = ["faultio", "strike"]

OPERATIONS = "tests.contract.operations"
EVERYTHING = "TORTURE_STRIKES" in os.environ
FEWEST_CALLS = 20
"""A store's change makes more calls than that; fewer would mean that they are not seen."""


def unsound(strokes: list[Stroke]) -> list[Stroke]:
    return [stroke for stroke in strokes if not stroke.is_sound]


@pytest.mark.parametrize(
    ("name", "mode"),
    [(name, "kill") for name in CHANGES] + [(name, "killafter") for name in CHANGES if EVERYTHING or name == "submit"],
)
def test_a_change_of_the_store_is_whole(strike: Strike, figures: Figures, name: str, mode: str) -> None:
    strokes = strike(CHANGES[name], name, mode=mode)

    figures.reached("kills", len(strokes))
    assert unsound(strokes) == []
    assert len(strokes) > FEWEST_CALLS
    assert {stroke.state for stroke in strokes} == {"before", "after"}
    assert strokes[-1].acknowledged


@pytest.mark.parametrize("mode", ["kill", "killafter"])
def test_a_replaced_file_is_the_old_or_the_new_one(strike: Strike, mode: str) -> None:
    strokes = strike(OPERATIONS, "replace_a_file", mode=mode)

    assert unsound(strokes) == []
    assert {stroke.state for stroke in strokes} == {"before", "after"}


@pytest.mark.planted
@pytest.mark.parametrize("name", ["promises_too_early", "in_two_commits"])
def test_a_planted_fault_is_found(strike: Strike, name: str) -> None:
    assert unsound(strike(OPERATIONS, name, mode="kill")) != []
