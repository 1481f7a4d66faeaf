"""What stays of removed jobs, packed: it comes back as it was, is small, and damage is noticed."""

import json
import random
import zlib
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.ids import make_id
from outlast.storage.sqlite.failures import UNREADABLE
from outlast.storage.sqlite.rows import EARLIEST, LATEST
from outlast.storage.sqlite.traces import (
    Trace,
    is_sound,
    pack,
    pack_summary,
    summary_of,
    unpack,
    unpack_summary,
)

NOON = 1_735_732_800_000
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
TIMES = st.integers(EARLIEST, LATEST) | st.integers(NOON, NOON + 10_000)
DIGITS = st.binary(min_size=8, max_size=8)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Return any trace; its id is often one of ours, or nearly."""
    kind = draw(st.sampled_from(["demo", "a_1_b", ""]) | TEXTS)
    made, digits = draw(TIMES), draw(DIGITS)
    ids = [make_id(kind, made, digits), make_id("other", made, digits), f"{kind}_00{made}_{digits.hex()}", kind, "é\0"]
    return Trace(
        id=draw(st.sampled_from(ids)),
        key=draw(st.none() | TEXTS),
        kind=kind,
        account=draw(st.none() | TEXTS),
        status=draw(st.sampled_from(["completed", "failed", "cancelled"])),
        reason=draw(st.none() | TEXTS),
        error_group=draw(st.none() | st.sampled_from(["", "ValueError: #"]) | TEXTS),
        created_at=draw(TIMES),
        started_at=draw(st.none() | TIMES),
        completed_at=draw(TIMES),
        removed_at=draw(TIMES),
        actor=draw(TEXTS),
        fingerprint=draw(st.none() | st.binary(max_size=32)),
    )


def usual(count: int, *, keys: bool = False) -> list[Trace]:
    """Return what stays of small jobs of one kind that ran one after the other."""
    dice = random.Random(1)
    made = list(accumulate(dice.randint(0, 20) for _ in range(count)))
    return [
        Trace(
            id=make_id("demo", NOON + at, dice.randbytes(8)),
            key=f"order:{number}:shipped" if keys else None,
            kind="demo",
            account=None,
            status="failed" if number % 20 == 0 else "completed",
            reason="error" if number % 20 == 0 else None,
            error_group=f"ValueError: case {number % 3}" if number % 20 == 0 else None,
            created_at=NOON + at + 1,
            started_at=NOON + at + dice.randint(1, 9),
            completed_at=NOON + at + dice.randint(10, 99),
            removed_at=NOON + 3_600_000 + number // 100,
            actor="retention",
            fingerprint=dice.randbytes(16) if keys else None,
        )
        for number, at in enumerate(made)
    ]


@given(st.lists(traces(), min_size=1, max_size=20))
def test_traces_come_back_as_they_were(some: list[Trace]) -> None:
    assert unpack(pack(some)) == some
    assert all(is_sound(each) for each in some)
    assert unpack_summary(pack_summary(summary_of(some))) == summary_of(some)


@given(st.lists(traces(), min_size=1, max_size=20))
def test_whole_rows_are_read_too(some: list[Trace]) -> None:
    rows = [[*each[:-1], None if each.fingerprint is None else each.fingerprint.hex().upper()] for each in some]

    assert unpack(json.dumps({"rows": rows}, ensure_ascii=False).encode()) == some


def test_a_job_takes_few_bytes() -> None:
    assert len(pack(usual(512))) < 512 * 13
    assert len(pack(usual(512, keys=True))) < 512 * 34


def test_a_summary_counts_what_stands_in_the_block() -> None:
    some = usual(100)

    summary = summary_of(some)

    assert summary.ends == {NOON // 3_600_000: [95, 5, 0]}
    assert summary.newest == {"demo": max(each.completed_at for each in some if each.status == "completed")}
    assert [(each.group[-1], each.number) for each in summary.failed] == [("0", 2), ("2", 2), ("1", 1)]
    assert min(each.oldest_at for each in summary.failed) == some[0].completed_at


def test_a_flipped_bit_is_noticed_or_changes_nothing() -> None:
    some = usual(50)
    whole, harmless = pack(some), 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        try:
            # A few bits of zlib's format say nothing.
            assert unpack(bytes(damaged)) == some
            harmless += 1
        except UNREADABLE:
            pass

    assert harmless < len(whole) / 100


ROW = ["a", None, "demo", None, "completed", None, None, 1, 2, 3, 4, "me", None]
WRONG = {
    "empty": b"",
    "text": b"hello",
    "cut": pack(usual(9))[:-5],
    "null": zlib.compress(b"null"),
    "list": zlib.compress(b"[]"),
    "no columns": zlib.compress(b"{}"),
    "not UTF-8": b'{"rows":"\xff"}',
    "deep": b'{"rows":' + b"[" * 100_000,
    "rows of nothing": b'{"rows":7}',
    "a short row": json.dumps({"rows": [ROW[:5]]}).encode(),
    "a long row": json.dumps({"rows": [[*ROW, 1]]}).encode(),
    "a mark that is none": json.dumps({"rows": [[*ROW[:-1], "xyz"]]}).encode(),
    "too much": zlib.compress(b'{"count":1' + b" " * 300_000_000, 1),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_block_is_called_so(kind: str) -> None:
    with pytest.raises(UNREADABLE):
        unpack(WRONG[kind])


def shown(**wrong: object) -> bytes:
    """Return a block of two jobs with some of its columns wrong."""
    return zlib.compress(json.dumps({**json.loads(zlib.decompress(pack(usual(2)))), **wrong}).encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 3},
        {"count": 0},
        {"count": -1},
        {"count": 2**60},
        {"count": "2"},
        {"sort": [0]},
        {"sort": 9},
        {"sorts": []},
        {"id": [0, 0, 0]},
        {"id": "a"},
        {"digits": ""},
        {"digits": "AAAA"},
        {"created": "x"},
        {"took": None},
        {"fingerprint": 7},
    ],
)
def test_columns_that_do_not_fit_are_no_block(wrong: dict[str, object]) -> None:
    assert len(unpack(shown())) == 2
    with pytest.raises(UNREADABLE):
        unpack(shown(**wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"key": 1},
        {"kind": None},
        {"account": b"x"},
        {"status": "queued"},
        {"created_at": "1"},
        {"started_at": 2**62},
        {"completed_at": None},
        {"removed_at": -(2**62)},
        {"fingerprint": "x"},
    ],
)
def test_a_trace_that_cannot_be_right_is_known(wrong: dict[str, object]) -> None:
    [trace] = usual(1)

    assert is_sound(trace)
    assert not is_sound(Trace(**{**trace._asdict(), **wrong}))
