"""The search with hashlib: nothing to install, about 1.3 times the plain loop with a copied prefix.

Three things make it fast: the state after the prefix is copied instead of computed again, the copied state already
holds all leading digits that a block of nonces shares, and a digest is compared as bytes with the first one that is
too large, instead of turned into hex.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from outlast.pow.rules import HASH_DIGITS

if TYPE_CHECKING:
    from hashlib import _Hash

_SHARED = 1_000
"""Nonces that share their leading digits. Measured: 1,000 is a little faster than 10,000, whose table is colder."""
_LAST_DIGITS = tuple(b"%03d" % number for number in range(_SHARED))
_FIRST_NONCES = tuple(b"%d" % number for number in range(_SHARED))


def first_hit(prefix: bytes, zeros: int, start: int, stop: int) -> int | None:
    """Return the smallest nonce in [start, stop) whose hash begins with `zeros` (1 to 64) hex zeros, or None."""
    ceiling = _first_too_large(zeros)
    message = hashlib.sha256(prefix)
    while start < stop:
        leading, low = divmod(start, _SHARED)
        high = min(_SHARED, stop - leading * _SHARED)
        if leading:
            state = message.copy()
            state.update(b"%d" % leading)
            found = _first_below(state.copy, _LAST_DIGITS[low:high], ceiling)
        else:
            found = _first_below(message.copy, _FIRST_NONCES[low:high], ceiling)
        if found is not None:
            return leading * _SHARED + int(found)
        start = (leading + 1) * _SHARED
    return None


def _first_too_large(zeros: int) -> bytes:
    """Return the smallest digest with fewer zeros: 16^(64 − zeros), which is right for odd numbers of zeros too."""
    return (1 << 4 * (HASH_DIGITS - zeros)).to_bytes(HASH_DIGITS // 2, "big")


def _first_below(copy: "Callable[[], _Hash]", endings: Sequence[bytes], ceiling: bytes) -> bytes | None:
    for ending in endings:
        state = copy()
        state.update(ending)
        if state.digest() < ceiling:
            return ending
    return None
