"""The search in the plainest way, and a check of any other search against it."""

import hashlib
from typing import Protocol

from outlast.pow.searching.search import ANY, limit


class Search(Protocol):
    """The one primitive, of whoever offers it."""

    def first_below(self, start: int, stop: int, bound: bytes) -> tuple[int, bytes] | None: ...


def digest(prefix: bytes, nonce: int) -> bytes:
    return hashlib.sha256(prefix + str(nonce).encode()).digest()


def search_fault(search: Search, prefix: bytes, start: int, stop: int) -> str | None:
    """Return what a search finds wrongly in [start, stop), asked with several bounds; None if nothing.

    The bounds are the lowest digests themselves, which are not below themselves, one just above the lowest, and wide
    ones. The last nonce is the only one below some bound, and the first one too, as the range is narrowed to them.
    """
    digests = [(nonce, digest(prefix, nonce)) for nonce in range(start, stop)]
    lowest = sorted(found for _, found in digests)[:4]
    above = [(int.from_bytes(found, "big") + 1).to_bytes(32, "big") for found in lowest[:1]]
    where = [nonce for nonce, found in digests if found in lowest[:1]]
    ranges = [(start, stop), *((nonce, stop) for nonce in where), *((start, nonce + 1) for nonce in where)]
    ranges += [(nonce + 1, stop) for nonce in where] + [(start, nonce) for nonce in where]
    for bound in (*lowest, *above, limit(3), limit(4), ANY):
        for first, behind in ranges:
            expected = next((it for it in digests[first - start : behind - start] if it[1] < bound), None)
            found = search.first_below(first, behind, bound)
            if found != expected:
                return f"in [{first}, {behind}) behind {prefix!r}, below {bound.hex()}: {found}, not {expected}"
    return None
