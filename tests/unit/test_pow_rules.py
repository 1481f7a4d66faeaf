"""The formulas of the proof of work, and when a search may begin."""

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.pow import rules
from outlast.pow.request import CannotBegin, Request, check_height
from outlast.pow.rules import Puzzle, WrongPuzzle

RANGES = st.integers(2, 10**9)
REQUEST = {"action": "ore_miner_complete", "entity": "5-1", "player": "1-11", "block_start": 1000, "block_height": 9000}


@pytest.mark.parametrize(
    ("action", "prefix"),
    [
        ("struct_build_complete", "5-1BUILD77NONCE"),
        ("planet_raid_complete", "5-1RAID77NONCE"),
        ("ore_miner_complete", "5-1MINE77NONCE"),
        ("ore_refinery_complete", "5-1REFINE77NONCE"),
    ],
)
def test_each_action_has_its_word_in_the_message(action: str, prefix: str) -> None:
    assert Puzzle(action=action, entity="5-1", block_start=77).prefix == prefix


def test_a_raid_names_fleet_and_planet() -> None:
    puzzle = Puzzle(action="planet_raid_complete", entity="9-3", block_start=77, target_id="2-7")

    assert puzzle.prefix == "9-3@2-7RAID77NONCE"


def test_the_hash_is_that_of_prefix_and_decimal_nonce() -> None:
    assert rules.hash_of("2-2BUILD1000NONCE", 42) == hashlib.sha256(b"2-2BUILD1000NONCE42").hexdigest()


@pytest.mark.parametrize(
    ("age", "zeros"), [(-5, 64), (0, 64), (1, 64), (2, 60), (10, 49), (6700, 6), (8000, 5), (14_000, 1), (10**9, 1)]
)
def test_the_zeros_fall_with_the_age(age: int, zeros: int) -> None:
    assert rules.zeros_at(age, 14_000) == zeros


@given(age=st.integers(2, 10**12), difficulty_range=RANGES)
def test_the_zeros_follow_the_formula_and_never_rise(age: int, difficulty_range: int) -> None:
    zeros = rules.zeros_at(age, difficulty_range)

    assert zeros == max(1, 64 - math.floor(math.log10(age) / math.log10(difficulty_range) * 63))
    assert zeros >= rules.zeros_at(age + 1, difficulty_range)


@pytest.mark.parametrize(("hash_hex", "zeros", "holds"), [("00f", 2, True), ("00f", 3, False), ("0f0", 2, False)])
def test_zeros_are_counted_from_the_left(hash_hex: str, zeros: int, holds: bool) -> None:
    assert rules.meets(hash_hex, zeros) is holds


@given(max_iterations=st.integers(1, 10**18))
def test_the_payable_zeros_are_the_most_that_fit_twice_the_iterations(max_iterations: int) -> None:
    zeros = rules.zeros_within(max_iterations)

    assert 16**zeros <= 2 * max_iterations < 16 ** (zeros + 1)


@given(zeros=st.integers(1, 64), difficulty_range=RANGES)
def test_the_age_for_some_zeros_is_the_smallest(zeros: int, difficulty_range: int) -> None:
    age = rules.age_for(zeros, difficulty_range)

    assert rules.zeros_at(age, difficulty_range) <= zeros
    assert age == rules.YOUNGEST_AGE or rules.zeros_at(age - 1, difficulty_range) > zeros


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"action": "build"}, "Use struct_build_complete, planet_raid_complete, ore_miner_complete, ore_refinery"),
        ({"entity": " "}, "The entity is ' '"),
        ({"entity": "\ud800"}, "no Unicode text"),
        ({"player": ""}, "Name the player"),
        ({"block_start": -1}, "block_start is -1"),
        ({"block_start": "7"}, "block_start is '7'"),
        ({"block_height": -1}, "block_height is -1"),
        ({"simulate": 5.0}, "block_height and simulate exclude each other"),
        ({"block_height": None, "simulate": 0}, "simulate is 0"),
        ({"block_height": None, "simulate": math.nan}, "simulate is nan"),
        ({"processes": 0}, "processes is 0"),
        ({"difficulty": 1}, "Use a whole number from 2 on"),
        ({"max_iterations": 0}, "max_iterations is 0"),
        ({"max_iterations": True}, "max_iterations is True"),
        ({"target_id": "2-7"}, "only a raid has one"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(WrongPuzzle) as caught:
        Request(**{**REQUEST, **wrong})  # type: ignore[arg-type]

    assert words in str(caught.value)


def check(request: Request, bound: int) -> None:
    start, height = request.block_start or 0, request.block_height or 0
    check_height(request, block_start=start, height=height, zeros_to_start=bound)


def test_a_search_begins_when_all_three_bounds_are_met() -> None:
    check(Request(**REQUEST), 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "zeros_to_start", "figures"),
    [
        ({"block_height": 1009}, 5, ("at age 9 ", "Use a block height from 8637 on.")),
        ({"block_height": 7700}, 5, ("6 zeros", "TARGET_DIFFICULTY_START=6 and max_iterations to 8388608", "8637")),
        ({"max_iterations": 500_000}, 5, ("5 zeros", "max_iterations to 524288", "from 9886 on")),
        ({}, 4, ("at most 4 (TARGET_DIFFICULTY_START)", "Set TARGET_DIFFICULTY_START=5", "from 9886 on")),
        ({"max_iterations": 7}, 5, ("Raise max_iterations to 8 or more.",)),
        ({"block_height": 1010}, 5, ("49 zeros", "Use a block height from 8637 on.")),
    ],
)
def test_a_search_that_cannot_begin_says_the_figures_and_what_mends_it(
    change: dict[str, object], zeros_to_start: int, figures: tuple[str, ...]
) -> None:
    request = Request(**{**REQUEST, **change})  # type: ignore[arg-type]

    with pytest.raises(CannotBegin) as caught:
        check(request, zeros_to_start)

    for figure in figures:
        assert figure in str(caught.value)


@given(start=st.integers(0, 10**6), age=st.integers(-5, 20_000), most=st.integers(1, 10**8), bound=st.integers(1, 64))
def test_the_height_that_an_error_names_is_one_at_which_the_search_begins(
    start: int, age: int, most: int, bound: int
) -> None:
    request = Request(
        action="ore_miner_complete",
        entity="5-1",
        player="1-11",
        block_start=start,
        block_height=max(0, start + age),
        max_iterations=most,
    )
    try:
        check(request, bound)
    except CannotBegin as error:
        _, named, rest = error.fix.partition("block height from ")
        if named:
            later = Request(
                action="ore_miner_complete",
                entity="5-1",
                player="1-11",
                block_start=start,
                block_height=int(rest.split()[0]),
                max_iterations=most,
            )
            check(later, bound)
