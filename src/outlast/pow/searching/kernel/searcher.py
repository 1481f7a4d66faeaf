"""The search with kernels, and with hashlib where there is none: not yet, or not at all."""

import logging
import threading
from time import perf_counter

from outlast.pow.searching.kernel.kernels import Kernel, NoKernel, kernel_for, ready
from outlast.pow.searching.kernel.layout import Layout, layout_of
from outlast.pow.searching.plain import HashlibSearcher

NAME = "llvm"
_WITH_HASHLIB = 10_000
"""Nonces that hashlib tries, in some five milliseconds, before a kernel is looked for again."""
_LOOSE = 2**32 // 4_096
"""With a bound above this, hashlib finds a nonce sooner than a kernel has tried its least."""
_TURN_SECONDS = 0.01
_CALL_SECONDS = 0.03
_FEWEST, _MOST = 100_000, 20_000_000
"""Nonces in one call of a kernel: so few also at first, so many at most."""

_log = logging.getLogger("outlast.pow")


class CompiledSearcher:
    """Searches with the kernels of this process.

    One that is not there yet is made in a thread while hashlib goes on; with `wait` it is waited for, and NoKernel
    raised if there can be none. Messages that fit no layout are always searched with hashlib.
    """

    def __init__(self, prefix: bytes, *, wait: bool) -> None:
        self._prefix = prefix
        self._wait = wait
        self._hashlib = HashlibSearcher(prefix)
        self._layouts: dict[int, Layout | None] = {}
        self._most = _FEWEST
        self._maker: threading.Thread | None = None
        self.name = self._hashlib.name
        """What the last nonces were tried with."""

    def first_below(self, start: int, stop: int, bound: bytes) -> tuple[int, bytes] | None:
        """Return the first nonce in [start, stop) whose digest is below `bound`, and its digest."""
        is_loose = _ceiling(bound) >= _LOOSE
        while start < stop:
            layout = None if is_loose else self._layout(len(str(start)))
            kernel = None if layout is None else self._kernel(layout.word)
            if layout is None or kernel is None:
                end = min(stop, start - start % _WITH_HASHLIB + _WITH_HASHLIB)
                found = self._plainly(start, end, bound)
            else:
                end = _end_of_piece(layout, start, min(stop, start + self._most))
                found = self._with_kernel(kernel, layout, range(start, end), bound)
            if found is not None:
                return found
            start = end
        return None

    def close(self) -> None:
        """End the thread, if there is one: it takes a fraction of a second."""
        if self._maker is not None:
            self._maker.join()

    def _plainly(self, start: int, end: int, bound: bytes) -> tuple[int, bytes] | None:
        self.name = self._hashlib.name
        return self._hashlib.first_below(start, end, bound)

    def _with_kernel(self, kernel: Kernel, layout: Layout, nonces: range, bound: bytes) -> tuple[int, bytes] | None:
        self.name = NAME
        began = perf_counter()
        heads, indexes = layout.rows_of(nonces)
        hits = kernel.hits(layout, heads, indexes, _ceiling(bound))
        self._most = _next_most(len(nonces), perf_counter() - began)
        if hits is None:
            return self._hashlib.first_below(nonces.start, nonces.stop, bound)
        for hit in sorted(hit for hit in hits if hit in nonces):
            if found := self._hashlib.first_below(hit, hit + 1, bound):
                return found
        return None

    def _layout(self, digits: int) -> Layout | None:
        if digits not in self._layouts:
            self._layouts[digits] = layout_of(self._prefix, digits)
        return self._layouts[digits]

    def _kernel(self, word: int) -> Kernel | None:
        if self._wait:
            return kernel_for(word)
        made = ready(word)
        if made is None:
            self._let_make(word)
            made = ready(word)
        return made if isinstance(made, Kernel) else None

    def _let_make(self, word: int) -> None:
        """Have a kernel made in a thread, and leave the interpreter to it for a moment.

        Without that moment it would wait five milliseconds for its turn after each file it reads.
        """
        if self._maker is None or not self._maker.is_alive():
            self._maker = threading.Thread(target=_make, args=(word,), name="outlast-pow-kernel")
            self._maker.start()
        self._maker.join(_TURN_SECONDS)


def _make(word: int) -> None:
    """Make a kernel, or say once in the log why there is none."""
    try:
        kernel_for(word)
    except NoKernel as error:
        _log.warning("%s It goes on with hashlib.", error.message)


def _end_of_piece(layout: Layout, start: int, stop: int) -> int:
    """Return where a call from `start` on ends: whole heads, or a part of one head; at most `stop`, if it can."""
    stop = min(stop, 10**layout.digits)
    end_of_head = start - start % layout.nonces_a_head + layout.nonces_a_head
    if stop < end_of_head:
        return stop
    return end_of_head if start % layout.nonces_a_head else stop - stop % layout.nonces_a_head


def _ceiling(bound: bytes) -> int:
    """Return the largest first word that a digest below `bound` can have."""
    return int.from_bytes(bound[:4].ljust(4, b"\0"), "big")


def _next_most(nonces: int, seconds: float) -> int:
    return max(_FEWEST, min(_MOST, round(nonces / max(seconds, 1e-6) * _CALL_SECONDS)))
