"""The book of a search: which nonces were tried, which somebody tries now, and which come next."""

from bisect import insort
from collections.abc import Iterable, Sequence


class Blocks:
    """Hands out every nonce from a start on, in order, until it is said to be tried.

    A block is a range of nonces. One that is handed out is either completed or given back, by the whole.
    """

    def __init__(self, start: int, done_above: Iterable[Sequence[int]] = ()) -> None:
        """Begin at `start`, without the pieces (first, behind the last) above it that were tried before."""
        self.next_nonce = start
        self.tried = 0
        self._done = sorted((first, stop) for first, stop in done_above)
        self._fresh = start
        self._open: list[tuple[int, int]] = []
        for first, stop in self._done:
            if self._fresh < first:
                self._open.append((self._fresh, first))
            self._fresh = max(self._fresh, stop)
        self._settle()

    @property
    def done_above(self) -> list[tuple[int, int]]:
        """The pieces above `next_nonce` that were tried, each (first, behind the last)."""
        return list(self._done)

    def take(self, size: int, stop: int) -> range | None:
        """Hand out the next block, at most `size` nonces below `stop`; None if all those are tried or handed out."""
        if self._open and self._open[0][0] < stop:
            first, behind = self._open.pop(0)
            end = min(behind, first + size, stop)
            if end < behind:
                insort(self._open, (end, behind))
            return range(first, end)
        if self._fresh >= stop:
            return None
        first, self._fresh = self._fresh, min(self._fresh + size, stop)
        return range(first, self._fresh)

    def give_back(self, block: range) -> None:
        """Note that a block was not tried to its end; it is the next but for those before it."""
        insort(self._open, (block.start, block.stop))

    def complete(self, block: range) -> None:
        """Note that every nonce of a block was tried."""
        self.tried += len(block)
        insort(self._done, (block.start, block.stop))
        self._settle()

    def _settle(self) -> None:
        """Join what touches, and move `next_nonce` behind what has no gap before it."""
        joined: list[tuple[int, int]] = []
        for first, stop in self._done:
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
            else:
                joined.append((first, stop))
        while joined and joined[0][0] <= self.next_nonce:
            self.next_nonce = max(self.next_nonce, joined.pop(0)[1])
        self._done = joined
