"""What a supervisor does by the clock besides its jobs: clean up, back up. One chore a turn, so that jobs never wait
for all of them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from outlast.core.errors import OutlastError, StoreDamaged, StoreGone

log = logging.getLogger("outlast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something to do when the supervisor starts and then every `every_seconds`.

    `work` returns True if it left something undone: then it is called again in the next turn. It should take no
    longer than a few milliseconds, or happen rarely.
    """

    name: str
    every_seconds: float
    work: Callable[[], bool]


class Chores:
    """The chores of one supervisor, and when each is due. A chore that fails is told once for each cause.

    A store that is damaged or gone is not for a chore to tell: StoreDamaged and StoreGone are raised.
    """

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._due = {chore.name: (0.0, chore) for chore in chores}
        self._told: dict[str, str] = {}

    def seconds_to_next(self) -> float | None:
        """Return how long until a chore is due, None without any."""
        return max(0.0, min(at for at, _ in self._due.values()) - monotonic()) if self._due else None

    def work(self) -> bool:
        """Do the chore that has been due for the longest, if any is; tell whether it has more to do."""
        if not self._due:
            return False
        at, chore = min(self._due.values(), key=lambda entry: entry[0])
        if at > monotonic():
            return False
        try:
            more = chore.work()
            self._told.pop(chore.name, None)
        except (StoreDamaged, StoreGone):
            raise
        except (OutlastError, OSError) as error:
            more = False
            if self._told.get(chore.name) != str(error):
                self._told[chore.name] = str(error)
                log.warning("Could not %s: %s", chore.name, error)
        self._due[chore.name] = (monotonic() + (0.0 if more else chore.every_seconds), chore)
        return more
