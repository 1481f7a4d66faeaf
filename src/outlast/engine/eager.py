"""Wait with open eyes for what is about to come: to fall asleep and be woken costs more than most answers take."""

from collections.abc import Callable
from os import sched_yield
from time import monotonic
from typing import TypeVar

LONGEST_REST = 64

Found = TypeVar("Found")


class Eager:
    """Looks again and again for `seconds`; whoever else wants the core has it in between.

    It rests after a look in vain: for one wait, then two, up to LONGEST_REST, until a look finds something. So it
    costs next to nothing where answers take longer, or where others need the cores.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waits_to_rest = 0
        self._next_rest = 1

    def look(self, look: Callable[[], Found | None]) -> Found | None:
        """Return the first that `look` finds; None if there was nothing in time, or if this is a wait to rest."""
        if self._waits_to_rest:
            self._waits_to_rest -= 1
            return None
        until = monotonic() + self._seconds
        while (found := look()) is None:
            if monotonic() > until:
                self._waits_to_rest = self._next_rest
                self._next_rest = min(2 * self._next_rest, LONGEST_REST)
                return None
            sched_yield()
        self._next_rest = 1
        return found
