"""The search with hashlib: nothing to install, about 1.3 times the plain loop with a copied prefix.

Three things make it fast: the state after the prefix is copied instead of computed again, the copied state already
holds all leading digits that a block of nonces shares, and a digest is compared as bytes with the first one that is
too large, instead of turned into hex.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_SHARED = 1_000
"""Nonces that share their leading digits. Measured: 1,000 is a little faster than 10,000, whose table is colder."""
_LAST_DIGITS = tuple(b"%03d" % number for number in range(_SHARED))
_FIRST_NONCES = tuple(b"%d" % number for number in range(_SHARED))


def digest_of(prefix: bytes, nonce: int) -> bytes:
    """Return the SHA-256 of the prefix and the decimal nonce, computed in the plainest way."""
    return hashlib.sha256(b"%b%d" % (prefix, nonce)).digest()


class HashlibSearcher:
    """Searches with hashlib."""

    name = "hashlib"

    def __init__(self, prefix: bytes) -> None:
        self._message = hashlib.sha256(prefix)

    def first_below(self, start: int, stop: int, bound: bytes) -> tuple[int, bytes] | None:
        """Return the first nonce in [start, stop) whose digest is below `bound`, and its digest."""
        while start < stop:
            leading, low = divmod(start, _SHARED)
            high = min(_SHARED, stop - leading * _SHARED)
            state = self._message.copy()
            if leading:
                state.update(b"%d" % leading)
            endings = _LAST_DIGITS if leading else _FIRST_NONCES
            found = _first_below(state.copy, endings[low:high], bound)
            if found is not None:
                state.update(found)
                return leading * _SHARED + int(found), state.digest()
            start = (leading + 1) * _SHARED
        return None

    def close(self) -> None:
        """Do nothing: there is nothing to end."""


def _first_below(copy: "Callable[[], _Hash]", endings: Sequence[bytes], bound: bytes) -> bytes | None:
    for ending in endings:
        state = copy()
        state.update(ending)
        if state.digest() < bound:
            return ending
    return None
