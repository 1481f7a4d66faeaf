"""One checklist's state and the way to change it: in memory here, in files in filebook.py."""

import threading
from collections.abc import Callable

from outlast.jobstate.ledger import Ledger
from outlast.jobstate.records import OPEN, RESET, Record
from outlast.jobstate.view import Title


class Book:
    """A checklist in memory, and what every book has: a ledger, a lock, and the claims of this program.

    `clock` returns the time as it is written, in ISO 8601.
    """

    def __init__(self, title: Title, clock: Callable[[], str]) -> None:
        self.title = title
        self.clock = clock
        self.ledger = Ledger()
        self.lock = threading.RLock()
        self.claims: set[str] = set()
        self.ended: set[str] = set()
        """Claimed activities that the body itself has completed, failed or skipped."""

    def open(self, names: tuple[str, ...]) -> None:
        """Let these be the activities that were given last."""
        with self.lock:
            if names != self.ledger.given or not self.ledger.last_update:
                self.note(Record(OPEN, at=self.clock(), names=names))

    def refresh(self) -> None:
        """Learn what others have changed."""

    def note(self, record: Record, *, durable: bool = True) -> None:
        """Keep a record and apply it. If it is `durable` it is on the disk when this returns."""
        with self.lock:
            self.ledger.apply(record)

    def undo(self, activity: str) -> None:
        """Let an activity be neither completed nor skipped nor failed, durably."""
        self.note(Record(RESET, at=self.clock(), activity=activity))

    def claim(self, activity: str) -> bool:
        """Claim an activity until it is released, and learn what is new; False if another has claimed it."""
        with self.lock:
            if activity in self.claims:
                return False
            self._claimed(activity)
            return True

    def _claimed(self, activity: str) -> None:
        self.claims.add(activity)
        self.ended.discard(activity)

    def release(self, activity: str) -> None:
        """Give a claim back; nothing if there is none."""
        with self.lock:
            self.claims.discard(activity)

    def is_claimed(self, activity: str) -> bool:
        """Tell whether anybody has claimed it."""
        return activity in self.claims
