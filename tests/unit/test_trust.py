"""Whether the clock can be believed: jumps are noticed, and forgiven in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.trust import JUMP_MS, LONGEST_GAP_MS, STEADY_MS, Reading, Trust, look

BOOTED = 1_735_732_800_000
MINUTE = 60_000


def reading(up: int, jump: int = 0, boot: str = "b") -> Reading:
    """Return a clock that has jumped by so much since a boot at BOOTED."""
    return Reading(boot=boot, wall=BOOTED + up + jump, up=up)


def looked(*readings: Reading, last_end: int | None = None) -> Trust:
    known: Trust | None = None
    for each in readings:
        known = look(known, each, last_end)
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("gap", "holds"),
    [
        (0, True),
        (LONGEST_GAP_MS, True),
        (LONGEST_GAP_MS + 1, False),
        (-JUMP_MS, True),
        (-JUMP_MS - 1, False),
    ],
)
def test_at_first_a_clock_is_believed_if_it_is_near_the_last_end(gap: int, holds: bool) -> None:
    assert looked(reading(0), last_end=BOOTED - gap).holds is holds


def test_without_any_end_it_is_believed() -> None:
    assert looked(reading(0)).holds


@pytest.mark.parametrize("jump", [JUMP_MS, -JUMP_MS, 1_000])
def test_an_hour_is_no_jump(jump: int) -> None:
    assert looked(reading(0), reading(MINUTE, jump)).holds


@pytest.mark.parametrize("jump", [JUMP_MS + 1, -JUMP_MS - 1, 366 * LONGEST_GAP_MS, -BOOTED])
def test_more_is_one_until_it_is_back(jump: int) -> None:
    away = (reading(0), reading(MINUTE, jump), reading(2 * MINUTE, jump))

    assert not looked(*away).holds
    assert looked(*away, reading(3 * MINUTE)).holds


def test_what_stays_for_an_hour_is_believed() -> None:
    jump = 10 * JUMP_MS
    away = (reading(0), reading(MINUTE, jump))

    assert not looked(*away, reading(MINUTE + STEADY_MS - 1, jump)).holds
    assert looked(*away, reading(MINUTE + STEADY_MS, jump)).holds
    assert not looked(*away, reading(MINUTE + STEADY_MS, jump), reading(MINUTE + STEADY_MS)).holds


def test_a_second_jump_begins_the_hour_anew() -> None:
    away = (reading(0), reading(MINUTE, 10 * JUMP_MS), reading(30 * MINUTE, 20 * JUMP_MS))

    assert not looked(*away, reading(MINUTE + STEADY_MS, 20 * JUMP_MS)).holds
    assert looked(*away, reading(30 * MINUTE + STEADY_MS, 20 * JUMP_MS)).holds


def test_another_boot_is_a_new_beginning() -> None:
    before = looked(reading(0))

    assert look(before, reading(0, boot="c"), BOOTED).holds
    assert not look(before, reading(0, boot="c"), BOOTED - 2 * LONGEST_GAP_MS).holds


def test_nothing_new_is_nothing_to_write_down() -> None:
    before = looked(reading(0))

    assert look(before, reading(MINUTE, 5_000), BOOTED) is before


@given(st.lists(st.tuples(st.integers(0, 2 * STEADY_MS), st.integers(-3, 3)), max_size=20))
def test_a_clock_that_is_believed_has_been_so_for_an_hour_or_was_so_before(steps: list[tuple[int, int]]) -> None:
    up, known, believed = 0, look(None, reading(0), None), {0}
    since: dict[int, int] = {}
    at = 0
    for passed, jump in steps:
        up += passed
        if jump != at:
            since = {jump: up}
            at = jump
        known = look(known, reading(up, jump * 2 * JUMP_MS), None)
        if up - since.get(jump, 0) >= STEADY_MS:
            believed = {jump}
        assert known.holds is (jump in believed)
