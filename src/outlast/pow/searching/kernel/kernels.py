"""The kernels of this process, one for each varying word: made when they are wanted, checked, and then kept."""

import ctypes
import threading

from outlast import OutlastError
from outlast.pow.searching.kernel import processor
from outlast.pow.searching.kernel.layout import LEAST_DIGITS, Layout, layout_of
from outlast.pow.searching.kernel.processor import Code
from outlast.pow.searching.plain import digest_of

ROOM = 4_096
_SAMPLE = 990
_CEILINGS = 8


class NoKernel(OutlastError):
    """The compiled search cannot be used here; hashlib can."""


class Kernel:
    """Tries nonces with one varying word."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def hits(self, layout: Layout, heads: range, indexes: range, ceiling: int) -> list[int] | None:
        """Return the nonces whose digests have a first word of at most `ceiling`; None if they are over ROOM.

        Those of `heads` with these indexes are tried. A few that were not asked for may be among the answer, even
        with a wrong digest: look at each with hashlib. Python hears no signal meanwhile, so ask for little at once.
        """
        rows = layout.rows(heads)
        found = (ctypes.c_int64 * (ROOM + 1))()
        count = self._code.scan(rows, len(rows) // 64, layout.table, indexes.start, indexes.stop, ceiling, found, ROOM)
        if count > ROOM:
            return None
        return [layout.nonce(heads.start, hit >> 32, hit & 0xFFFF_FFFF) for hit in found[:count]]


_made: dict[int, Kernel | NoKernel] = {}
_making = threading.Lock()


def ready(word: int) -> Kernel | NoKernel | None:
    """Return the kernel if it was made, why there is none if that has failed, None if nobody tried yet."""
    return _made.get(word)


def kernel_for(word: int) -> Kernel:
    """Return the kernel whose varying word is number `word` of the message; make it once. Raise NoKernel."""
    with _making:
        made = _made.get(word)
        if made is None:
            made = _made[word] = _make(word)
    if isinstance(made, NoKernel):
        raise NoKernel(made.message, made.fix)
    return made


def _make(word: int) -> Kernel | NoKernel:
    try:
        kernel = Kernel(processor.code_for(processor.program_for(word)))
    except Exception as error:  # noqa: BLE001 - whatever a compiler or its library stumbles over, hashlib can go on
        return NoKernel(f"The search cannot be compiled: {error!s:.300}.", "Search with hashlib.")
    if not agrees(kernel, word):
        return NoKernel("The compiled search finds something else than hashlib.", "Search with hashlib; report this.")
    return kernel


def agrees(kernel: Kernel, word: int) -> bool:
    """Tell whether a kernel finds in a sample what hashlib finds there.

    The ceilings are first words that occur and those just below them, so that one that is wrong by 1 shows.
    """
    layout = layout_of(b"x" * max(0, 4 * word + 3 - LEAST_DIGITS), LEAST_DIGITS)  # its message ends in that word
    assert layout is not None
    assert layout.word == word
    least = 10 ** (layout.digits - 1)
    sample = range(least + 3, least + _SAMPLE)
    asked = layout.rows_of(sample)
    firsts = {nonce: int.from_bytes(digest_of(layout.prefix, nonce)[:4], "big") for nonce in sample}
    for ceiling in sorted(firsts.values())[:_CEILINGS]:
        for at_most in (ceiling - 1, ceiling):
            hits = kernel.hits(layout, *asked, at_most)
            expected = {nonce for nonce, first in firsts.items() if first <= at_most}
            if hits is None or {hit for hit in hits if hit in sample} != expected:
                return False
    return True
