"""Where the digits of a nonce lie in the message, and which one word of it varies.

    prefix | head | varying digits | tail | 0x80, zeros, length

The varying digits, three or four, lie in one word; with three of them it holds a byte before or behind them as well.
A row is a message with its head and its tail. All values of the varying word are tried in a row, so only one nonce in
thousands costs decimal arithmetic, and what the nonces of a row have in common is computed once.
"""

import ctypes
from dataclasses import dataclass

from outlast.pow.searching.kernel.programs import LANES_AT_MOST

LEAST_DIGITS = 5
"""With fewer some layouts have no word with three digits. Trying all of those with hashlib takes five milliseconds."""
_ONE_BLOCK = 55
"""A longer message has its length in a second block."""

Table = ctypes.Array[ctypes.c_uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The nonces of `digits` digits behind `prefix`: nonce = (head · values + index) · tails + tail.

    `word` is the number of the varying word. `table` has its value for each index, and room behind them for what the
    kernel does in excess. `endings` are the messages behind the head, one for each tail, their varying digits 0.
    """

    prefix: bytes
    digits: int
    word: int
    values: int
    tails: int
    table: Table
    endings: tuple[bytes, ...]

    @property
    def nonces_a_head(self) -> int:
        return self.values * self.tails

    def rows_of(self, nonces: range) -> tuple[range, range]:
        """Return the heads of some nonces and the indexes to try in each: all of them, or a part if it is one head.

        A part may have some nonces more than were asked for, so that every tail is tried with the same indexes.
        """
        first, last = nonces.start // self.nonces_a_head, (nonces.stop - 1) // self.nonces_a_head
        if first < last:
            return range(first, last + 1), range(self.values)
        before = first * self.nonces_a_head
        low, high = (nonces.start - before) // self.tails, (nonces.stop - 1 - before) // self.tails
        return range(first, first + 1), range(low, high + 1)

    def rows(self, heads: range) -> bytes:
        """Return the rows of some heads, 64 bytes each."""
        if 10**self.digits == self.nonces_a_head:  # no digit is left for a head
            return b"".join([self.prefix + ending for ending in self.endings])
        return b"".join([b"%b%d%b" % (self.prefix, head, ending) for head in heads for ending in self.endings])

    def nonce(self, head: int, row: int, index: int) -> int:
        """Return the nonce with this index in a row, counted from the first row of `head` on."""
        return ((head + row // self.tails) * self.values + index) * self.tails + row % self.tails


def layout_of(prefix: bytes, digits: int) -> Layout | None:
    """Return the layout, None if there are too few digits or the message does not fit into one block."""
    length = len(prefix) + digits
    if digits < LEAST_DIGITS or length > _ONE_BLOCK:
        return None
    in_last = length % 4
    behind = int(in_last == 3)  # 0x80 shares the word with the last three digits
    after = 0 if behind else in_last
    varying = min(4 - behind, digits - after)
    word = length // 4 - 1 + behind
    padding = b"\x80" + bytes(_ONE_BLOCK - length) + (8 * length).to_bytes(8, "big")
    tails = [b"%0*d" % (after, tail) for tail in range(10**after)] if after else [b""]
    endings = tuple(b"0" * varying + tail + padding for tail in tails)
    row = prefix + b"0" * (digits - varying - after) + endings[0]
    return Layout(
        prefix=prefix,
        digits=digits,
        word=word,
        values=10**varying,
        tails=len(tails),
        table=_table(row[4 * word : 4 * word + 4], varying, behind),
        endings=endings,
    )


def _table(word: bytes, varying: int, behind: int) -> Table:
    """Return the values of a word whose varying digits, 0 as it is given, have `behind` bytes behind them."""
    zero = int.from_bytes(word, "big")
    values = [zero + (_digits(value) << 8 * behind) for value in range(10**varying)]
    return (ctypes.c_uint32 * (len(values) + LANES_AT_MOST))(*values)


def _digits(number: int) -> int:
    """Return the decimal digits of a number below 10,000 as the bytes of a word."""
    return number // 1000 << 24 | number // 100 % 10 << 16 | number // 10 % 10 << 8 | number % 10
