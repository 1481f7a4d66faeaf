"""The search with hashlib finds what the plain loop finds, and what may be asked for. The kernels: tests/pow."""

import hashlib
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outlast.pow.rules import WrongPuzzle, hash_of, meets
from outlast.pow.searching.plain import HashlibSearcher
from outlast.pow.searching.search import ANY, first_hit, limit, open_searcher
from tests.pow.plainly import digest, search_fault

EDGES = st.sampled_from([0, 9, 10, 99, 100, 999, 1_000, 1_999, 9_999, 10_000, 99_999, 100_000, 999_999, 10**6, 10**12])
PREFIXES = st.binary(min_size=0, max_size=130)
"""Up to more than two blocks of SHA-256, so that the nonce falls into every place of a block and across its end."""
PREFIX = b"2-2BUILD1000NONCE"


@given(prefix=PREFIXES, edge=EDGES, before=st.integers(0, 1_100), length=st.integers(0, 2_500))
@example(prefix=PREFIX, edge=0, before=0, length=2_500)
@example(prefix=PREFIX, edge=10_000, before=1, length=2)
def test_it_finds_what_the_plain_loop_finds(prefix: bytes, edge: int, before: int, length: int) -> None:
    start = max(0, edge - before)

    assert search_fault(HashlibSearcher(prefix), prefix, start, start + length) is None


class Faulty:
    """A search with a fault."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def first_below(self, start: int, stop: int, bound: bytes) -> tuple[int, bytes] | None:
        if self.fault == "leaves out the first":
            start += 1
        if self.fault == "leaves out the last":
            stop -= 1
        if self.fault == "goes beyond the last":
            stop += 1
        nonces = reversed(range(start, stop)) if self.fault == "finds the last" else range(start, stop)
        for nonce in nonces:
            found = digest(PREFIX, nonce)
            if found < bound or (self.fault == "takes the bound itself" and found == bound):
                return nonce, found[::-1] if self.fault == "tells another digest" else found
        return None


@pytest.mark.parametrize(
    "fault",
    [
        "leaves out the first",
        "leaves out the last",
        "goes beyond the last",
        "finds the last",
        "takes the bound itself",
        "tells another digest",
    ],
)
def test_the_check_catches_a_search_that(fault: str) -> None:
    assert search_fault(Faulty(""), PREFIX, 90, 400) is None

    assert search_fault(Faulty(fault), PREFIX, 90, 400) is not None


@given(zeros=st.integers(0, 64), leading=st.integers(0, 64), nonce=st.integers(0, 10**6))
def test_the_limit_of_a_difficulty_divides_the_hashes(zeros: int, leading: int, nonce: int) -> None:
    hash_hex = "0" * leading + hash_of("x", nonce)[leading:]

    assert (bytes.fromhex(hash_hex) < limit(zeros)) == meets(hash_hex, zeros)


def test_every_digest_is_below_the_limit_of_no_zeros() -> None:
    assert b"\xff" * 32 < limit(0) == ANY


@pytest.mark.parametrize("choice", ["", "numpy", "HASHLIB"])
def test_an_unknown_way_to_search_is_refused_with_the_known_ones(choice: str) -> None:
    with pytest.raises(WrongPuzzle, match=r"no way to search\. Use auto, hashlib, llvm\."):
        open_searcher(PREFIX, choice)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (5, 5), (6, 5), (1_000, 999)])
def test_an_empty_range_has_no_hit(start: int, stop: int) -> None:
    assert first_hit(b"", 1, start, stop) is None


def test_a_hash_of_zeros_only_is_looked_for_without_error() -> None:
    assert first_hit(b"x", 64, 0, 2_000) is None


def plain_loop_with_a_copied_prefix(prefix: bytes, zeros: int, start: int, stop: int) -> int | None:
    ceiling = (1 << 4 * (64 - zeros)).to_bytes(32, "big")
    copy = hashlib.sha256(prefix).copy
    for nonce in range(start, stop):
        state = copy()
        state.update(b"%d" % nonce)
        if state.digest() < ceiling:
            return nonce
    return None


def test_it_is_as_fast_as_the_best_plain_loop() -> None:
    def seconds(search: Callable[[bytes, int, int, int], int | None]) -> float:
        began = process_time()
        assert search(b"2-2BUILD1000NONCE", 6, 32_000_000, 32_040_000) is None
        return process_time() - began

    rounds = [(seconds(first_hit), seconds(plain_loop_with_a_copied_prefix)) for _ in range(7)]

    assert min(ours for ours, _ in rounds) * 0.9 <= min(plain for _, plain in rounds)
