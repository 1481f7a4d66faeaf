"""The fast search finds what the plain loop finds."""

import hashlib
from collections.abc import Callable
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outlast.pow.search import first_hit

EDGES = st.sampled_from([0, 9, 10, 99, 100, 999, 1_000, 1_999, 9_999, 10_000, 99_999, 100_000, 999_999, 10**6, 10**12])
PREFIXES = st.binary(min_size=0, max_size=130)
"""Up to more than two blocks of SHA-256, so that the nonce falls into every place of a block and across its end."""


def plain_first_hit(prefix: bytes, zeros: int, start: int, stop: int) -> int | None:
    for nonce in range(start, stop):
        if hashlib.sha256(prefix + str(nonce).encode()).hexdigest().startswith("0" * zeros):
            return nonce
    return None


@given(
    prefix=PREFIXES,
    zeros=st.integers(1, 4),
    edge=EDGES,
    before=st.integers(0, 1_100),
    length=st.integers(0, 2_500),
)
@example(prefix=b"2-2BUILD1000NONCE", zeros=2, edge=0, before=0, length=2_500)
@example(prefix=b"2-2BUILD1000NONCE", zeros=3, edge=10_000, before=1, length=2)
def test_it_finds_what_the_plain_loop_finds(prefix: bytes, zeros: int, edge: int, before: int, length: int) -> None:
    start = max(0, edge - before)

    assert first_hit(prefix, zeros, start, start + length) == plain_first_hit(prefix, zeros, start, start + length)


@given(prefix=PREFIXES, zeros=st.integers(1, 3), edge=EDGES)
def test_going_on_behind_each_hit_finds_them_all(prefix: bytes, zeros: int, edge: int) -> None:
    start, stop = max(0, edge - 600), edge + 600
    found, at = [], start

    while (hit := first_hit(prefix, zeros, at, stop)) is not None:
        found.append(hit)
        at = hit + 1

    digests = {nonce: hashlib.sha256(prefix + str(nonce).encode()).hexdigest() for nonce in range(start, stop)}
    assert found == [nonce for nonce, digest in digests.items() if digest.startswith("0" * zeros)]


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
