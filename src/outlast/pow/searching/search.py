"""Searching: one primitive, and the two ways to do it."""

import importlib.util
from typing import Protocol

from outlast import OutlastError
from outlast.pow.rules import HASH_DIGITS, WrongPuzzle
from outlast.pow.searching.plain import HashlibSearcher

CHOICES = ("auto", "hashlib", "llvm")
ANY = b"\xff" * (HASH_DIGITS // 2 + 1)
"""A bound that every digest is below."""


class Searcher(Protocol):
    """Searches for one message."""

    @property
    def name(self) -> str:
        """What the last nonces were tried with: `hashlib` or `llvm`."""

    def first_below(self, start: int, stop: int, bound: bytes) -> tuple[int, bytes] | None:
        """Return the first nonce in [start, stop) whose digest is below `bound`, byte by byte, and its digest.

        The digest is the SHA-256 of the prefix and the decimal nonce. An exception that a signal handler raises comes
        through within some fifty milliseconds.
        """

    def close(self) -> None:
        """End what works in the background."""


def limit(zeros: int) -> bytes:
    """Return the bound that exactly the digests with at least `zeros` (0 to 64) hex zeros are below."""
    return (1 << 4 * (HASH_DIGITS - zeros)).to_bytes(HASH_DIGITS // 2, "big") if zeros else ANY


def open_searcher(prefix: bytes, choice: str = "auto") -> Searcher:
    """Return a searcher for the messages that begin with `prefix`; close it when it is not needed any more.

    `auto` begins with hashlib at once and goes over to the compiled search as soon as that is ready, if llvmlite is
    installed. `llvm` waits for it; the first search that needs it raises NoKernel if it cannot be compiled.
    """
    if choice not in CHOICES:
        raise WrongPuzzle(f"{choice!r:.40} is no way to search.", f"Use {', '.join(CHOICES)}.")
    if choice == "hashlib":
        return HashlibSearcher(prefix)
    if importlib.util.find_spec("llvmlite") is None:
        if choice == "auto":
            return HashlibSearcher(prefix)
        raise OutlastError("The compiled search needs llvmlite, which is not installed.", "pip install 'outlast[fast]'")
    from outlast.pow.searching.kernel.searcher import CompiledSearcher

    return CompiledSearcher(prefix, wait=choice == "llvm")


def first_hit(prefix: bytes, zeros: int, start: int, stop: int) -> int | None:
    """Return the smallest nonce in [start, stop) whose hash begins with `zeros` (1 to 64) hex zeros, with hashlib."""
    found = HashlibSearcher(prefix).first_below(start, stop, limit(zeros))
    return None if found is None else found[0]
