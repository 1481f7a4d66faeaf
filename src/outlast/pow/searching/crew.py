"""A crew searches one message: blocks of nonces in order, to this process or to several, and what they have found."""

from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Any

from outlast.pow.rules import WrongPuzzle
from outlast.pow.searching.blocks import Blocks
from outlast.pow.searching.hands import Hands, OwnHands
from outlast.pow.searching.orders import Find, Order, Report
from outlast.pow.searching.plain import digest_of
from outlast.pow.searching.search import ANY

_SIZES: tuple[int, ...] = tuple(step * 10**power for power in range(4, 9) for step in (1, 2, 5))
"""How many nonces a block may have: the fewest at first. Round numbers suit the kernels."""
_GROWTH = 4
_BLOCK_SECONDS = 0.15
"""What a block takes once the speed is known: what a death costs, and how late an end is noticed."""


class Crew:
    """Searches from `start` on, or on from a `state`, with one process, which is this one, or with more.

    Use it as a context manager: at its end no process of it is left. After an exception out of `work` only `state`,
    which is still right, and `close` may be used.
    """

    def __init__(
        self,
        prefix: bytes,
        *,
        processes: int = 1,
        start: int = 0,
        choice: str = "auto",
        state: Mapping[str, Any] | None = None,
    ) -> None:
        if processes < 1:
            raise WrongPuzzle(f"{processes} processes cannot search.", "Use 1 or more.")
        state = state or {}
        self._blocks = Blocks(state.get("next_nonce", start), state.get("done_above", ()))
        best = state.get("best")
        self._best = None if best is None else Find(best, digest_of(prefix, best))
        self._size = _SIZES[0]
        self._part = 0
        self._hands = _hands(prefix, choice, processes)

    @property
    def next_nonce(self) -> int:
        """Every nonce from the start to before this one was tried."""
        return self._blocks.next_nonce

    @property
    def done_above(self) -> list[tuple[int, int]]:
        """The pieces above `next_nonce` that were tried, each (first, behind the last)."""
        return self._blocks.done_above

    @property
    def tried(self) -> int:
        """How many nonces were tried since this crew began: in completed blocks, and in a hit's block up to the hit."""
        return self._blocks.tried + self._part

    @property
    def best(self) -> Find | None:
        """The nonce with the lowest digest so far."""
        return self._best

    def state(self) -> dict[str, Any]:
        """Return a small JSON value from which another crew goes on: it tries what is not recorded here as tried.

        The block of a hit is not: a search that was resumed from here finds the hit again.
        """
        best = None if self._best is None else self._best.nonce
        return {"next_nonce": self.next_nonce, "done_above": [list(piece) for piece in self.done_above], "best": best}

    def work(self, seconds: float, stop: int, bound: bytes) -> Find | None:
        """Search below `stop` for about so many seconds; return the best find as soon as its digest is below `bound`.

        Return None before the time is over only if every nonce below `stop` was tried; `stop` must not fall from call
        to call. What was found earlier counts: a bound that has risen may be met at once.
        """
        deadline = monotonic() + seconds
        while not self._meets(bound):
            self._part = 0
            self._hand_out(stop, bound)
            end = None if self._hands.are_idle() else self._hands.next_end(deadline - monotonic())
            if end is None:
                return None
            self._note(end)
            if monotonic() >= deadline:
                break
        return self._best if self._meets(bound) else None

    def close(self) -> None:
        """End and reap every process."""
        self._hands.close()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _meets(self, bound: bytes) -> bool:
        return self._best is not None and self._best.digest < bound

    def _hand_out(self, stop: int, bound: bytes) -> None:
        below = ANY if self._best is None else self._best.digest
        while self._hands.are_free() and (block := self._blocks.take(self._size, stop)) is not None:
            self._hands.give(Order(block=block, below=below, target=bound))

    def _note(self, end: Report | Order) -> None:
        if isinstance(end, Order):
            self._blocks.give_back(end.block)
            return
        if end.best is not None and not (self._best is not None and self._best.digest <= end.best.digest):
            self._best = end.best
        if end.end == end.block.stop:
            self._blocks.complete(end.block)
            self._size = _next_size(self._size, end)
        else:
            self._blocks.give_back(end.block)
            self._part = end.end - end.block.start


def _hands(prefix: bytes, choice: str, processes: int) -> Hands:
    if processes == 1:
        return OwnHands(prefix, choice)
    from outlast.pow.searching.team import Team

    return Team(prefix, choice, processes)


def _next_size(size: int, report: Report) -> int:
    """Return how large the next blocks shall be, after one of about this size."""
    nonces = len(report.block)
    if 2 * nonces < size:
        return size
    wanted = min(_BLOCK_SECONDS * nonces / max(report.seconds, 1e-6), _GROWTH * size)
    return max((fitting for fitting in _SIZES if fitting <= wanted), default=_SIZES[0])
