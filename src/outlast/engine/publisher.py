"""When jobs.json is written: soon after a change, never starved, never more than a tenth of the time."""

from collections.abc import Callable, Iterator
from time import monotonic

QUIET_SECONDS = 1.0
SHARE = 10


class Publisher:
    """Debounces `rewriting`: one second after the first unpublished change, at most every ten write times.

    What `rewriting` returns does the work piece by piece. Between two pieces the supervisor hears everybody; as long as
    somebody has something to say, the pieces too take a tenth of the time.
    """

    def __init__(self, rewriting: Callable[[], Iterator[object]]) -> None:
        self._rewriting = rewriting
        self._pieces: Iterator[object] | None = None
        self._spent = self._rests_until = 0.0
        self._due: float | None = None
        self._not_before = 0.0

    def changed(self) -> None:
        """Note that the view is behind."""
        if self._due is None:
            self._due = max(monotonic() + QUIET_SECONDS, self._not_before)

    def seconds_to_write(self) -> float | None:
        """Return how long until `work` has something to do; None if the view is up to date."""
        if self._pieces is not None:
            return 0.0
        return None if self._due is None else max(0.0, self._due - monotonic())

    def work(self, *, is_busy: bool = False) -> None:
        """Do the next piece, if it is time."""
        began = monotonic()
        if self._pieces is None and self._due is not None and began >= self._due:
            self._due, self._spent, self._pieces = None, 0.0, self._rewriting()
        if self._pieces is None or (is_busy and began < self._rests_until):
            return
        pieces, self._pieces = self._pieces, None
        if next(pieces, pieces) is not pieces:
            self._pieces = pieces
        now = monotonic()
        self._spent += now - began
        self._rests_until, self._not_before = now + SHARE * (now - began), now + SHARE * self._spent
        if self._pieces is None and self._due is not None:
            self._due = max(self._due, self._not_before)

    def finish(self) -> None:
        """Write at once, if anything is unpublished."""
        if self._due is not None or self._pieces is not None:
            self._due = self._pieces = None
            for _ in self._rewriting():
                pass
