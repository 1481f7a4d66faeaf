"""The compiled search finds what hashlib finds, in every layout and at every boundary, with every program."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outlast.pow.searching.kernel.kernels import Kernel, agrees, kernel_for
from outlast.pow.searching.kernel.layout import LEAST_DIGITS, layout_of
from outlast.pow.searching.kernel.processor import ANYWHERE, PROGRAMS, code_for, suitable
from outlast.pow.searching.kernel.searcher import CompiledSearcher
from outlast.pow.searching.plain import digest_of
from outlast.pow.searching.search import limit
from tests.pow.plainly import search_fault

WORDS = range(14)
"""The words of a message of one block in which a digit can lie."""
BOUNDARIES = [10**digits for digits in range(1, 20)]


def is_right(program: str, word: int) -> bool:
    return agrees(Kernel(code_for(program)), word)


@pytest.mark.parametrize("word", WORDS)
def test_the_fastest_program_agrees_with_hashlib_wherever_the_varying_word_is(word: int) -> None:
    assert agrees(kernel_for(word), word)


@pytest.mark.parametrize("word", [0, 7, 13])
@pytest.mark.parametrize("feature", suitable())
def test_every_program_for_this_processor_agrees_with_hashlib(feature: str, word: int) -> None:
    assert is_right(PROGRAMS[feature](word), word)


def test_the_program_for_the_widest_vectors_is_right_in_narrower_ones_too() -> None:
    """LLVM splits its vectors for a processor that has none so wide: the same program, other instructions."""
    assert is_right(PROGRAMS["avx512f"](6), 6)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (str(0xC67178F2), str(0xC67178F3)),
        (str(0x6A09E667), str(0x6A09E668)),
        ("%i = phi i64 [ %first,", "%i = phi i64 [ 1002,"),
        ("%i.next = add i64 %i, 4", "%i.next = add i64 %i, 5"),
        ("%hit = add i64 %row.shifted, %index", "%hit = add i64 %row.shifted, %i"),
        ("icmp ule <", "icmp ult <"),
        ("%word.low = icmp ule i32 %word, %ceiling", "%word.low = icmp ult i32 %word, %ceiling"),
    ],
    ids=["last round", "initial state", "first index", "step", "lane", "comparison", "second comparison"],
)
def test_a_planted_fault_in_a_program_is_caught(right: str, wrong: str) -> None:
    text = PROGRAMS[ANYWHERE](6)
    assert right in text

    assert not is_right(text.replace(right, wrong), 6)


@settings(max_examples=120)
@given(
    prefix=st.binary(min_size=0, max_size=60),
    boundary=st.sampled_from(BOUNDARIES),
    before=st.integers(0, 12_000),
    length=st.integers(0, 12_000),
)
@example(prefix=b"x" * 50, boundary=10**5, before=9_000, length=9_001)
@example(prefix=b"x" * 49, boundary=10**5, before=9_000, length=12_000)
@example(prefix=b"", boundary=10**4, before=2_000, length=12_000)
def test_it_finds_what_the_plain_loop_finds_around_every_boundary(
    prefix: bytes, boundary: int, before: int, length: int
) -> None:
    start = max(0, boundary - before)

    assert search_fault(CompiledSearcher(prefix, wait=True), prefix, start, start + length) is None


@settings(max_examples=60)
@given(
    length=st.integers(1, 120),
    digits=st.integers(LEAST_DIGITS, 19),
    share=st.floats(0, 1),
    nonces=st.integers(1, 8_000),
)
def test_it_finds_what_the_plain_loop_finds_among_nonces_of_any_length(
    length: int, digits: int, share: float, nonces: int
) -> None:
    prefix = (b"5-1234BUILD987654321NONCE" * 5)[:length]
    start = 10 ** (digits - 1) + int(share * 9 * 10 ** (digits - 1))

    assert search_fault(CompiledSearcher(prefix, wait=True), prefix, start, start + nonces) is None


@pytest.mark.parametrize("length", [1, 5, 6, 7, 8, 20, 47, 48, 49, 50, 51, 55, 56, 63, 64, 65, 119])
def test_every_change_of_the_number_of_digits_is_searched_without_a_gap(length: int) -> None:
    prefix = bytes(ord("a") + at % 26 for at in range(length))
    searcher = CompiledSearcher(prefix, wait=True)

    for boundary in BOUNDARIES:
        assert search_fault(searcher, prefix, boundary - min(boundary, 150), boundary + 150) is None


@pytest.mark.parametrize("length", range(1, 56))
def test_a_layout_gives_each_nonce_its_own_message(length: int) -> None:
    """The message is put together by hand from the row, the table and the index, as the kernel does it."""
    for digits in range(LEAST_DIGITS, 20):
        layout = layout_of(b"p" * length, digits)
        if layout is None:
            assert length + digits > 55
            continue
        for nonce in (10 ** (digits - 1), 10 ** (digits - 1) + 12_345, 10**digits - 1):
            heads, indexes = layout.rows_of(range(nonce, nonce + 1))
            [index] = indexes
            rows = layout.rows(heads)
            row = bytearray(rows[64 * (nonce % layout.tails) :][:64])
            row[4 * layout.word : 4 * layout.word + 4] = layout.table[index].to_bytes(4, "big")

            text = b"p" * length + str(nonce).encode()
            assert bytes(row) == text + b"\x80" + bytes(55 - len(text)) + (8 * len(text)).to_bytes(8, "big")
            assert layout.nonce(heads.start, nonce % layout.tails, index) == nonce


def test_a_long_search_goes_through_all_its_pieces() -> None:
    """The first hits of two messages, far away; they were computed with a program of its own."""
    for entity, hit in (("2-259", 11_373_541), ("2-371", 5_721_567)):
        prefix = f"{entity}BUILD1000NONCE".encode()

        assert CompiledSearcher(prefix, wait=True).first_below(0, 10**9, limit(6)) == (hit, digest_of(prefix, hit))


def test_more_hits_than_there_is_room_for_are_told_apart_from_few() -> None:
    layout = layout_of(b"2-259BUILD1000NONCE", 7)
    assert layout is not None
    kernel = kernel_for(layout.word)

    assert kernel.hits(layout, range(10, 11), range(layout.values), 2**32 - 1) is None
    assert kernel.hits(layout, range(10, 11), range(layout.values), 0) == []
