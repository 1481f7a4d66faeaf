"""When jobs.json is written: soon after a change, never starved, never more than a tenth of the time."""

from collections.abc import Callable
from time import monotonic

QUIET_SECONDS = 1.0
SHARE = 10


class Publisher:
    """Debounces `write`: one second after the first unpublished change, at most every ten write times."""

    def __init__(self, write: Callable[[], None]) -> None:
        self._write = write
        self._due: float | None = None
        self._not_before = 0.0

    def changed(self) -> None:
        """Note that the view is behind."""
        if self._due is None:
            self._due = max(monotonic() + QUIET_SECONDS, self._not_before)

    def seconds_to_write(self) -> float | None:
        """Return how long until `work` has something to do; None if the view is up to date."""
        return None if self._due is None else max(0.0, self._due - monotonic())

    def work(self, *, at_once: bool = False) -> None:
        """Write if it is time (or at once, if anything is unpublished)."""
        if self._due is None or (not at_once and monotonic() < self._due):
            return
        self._due = None
        began = monotonic()
        self._write()
        self._not_before = monotonic() + SHARE * (monotonic() - began)
