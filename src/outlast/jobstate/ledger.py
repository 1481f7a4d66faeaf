"""What the records of one checklist add up to. Pure: no files, no clock."""

from collections.abc import Iterable, Sequence

from outlast.jobstate.records import COMPLETE, FAIL, OPEN, RESET, SKIP, START, STOP, Record


class Ledger:
    """The state of a checklist, as far as it has been told.

    `completed` maps names to when, in the order of completion; `failed` and `skipped` to why; `started` holds what was
    begun and has neither ended nor been left; `remaining` is what was given last and is neither completed nor skipped.
    """

    __slots__ = ("completed", "failed", "given", "last_update", "remaining", "skipped", "started")

    def __init__(self, given: Iterable[str] = ()) -> None:
        self.given: tuple[str, ...] = tuple(given)
        self.completed: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.started: dict[str, Record] = {}
        self.remaining: dict[str, None] = dict.fromkeys(self.given)
        self.last_update = ""

    def apply(self, record: Record) -> None:
        """Let one more thing have happened. The same record twice changes nothing."""
        change = _CHANGES.get(record.event)
        if change is None:  # of a later version
            return
        change(self, record)
        if record.event not in (START, STOP):
            self.last_update = record.at

    def knows(self, name: str) -> bool:
        """True if the activity was given last, or is completed or skipped."""
        return name in self.remaining or name in self.completed or name in self.skipped

    def left_of(self, names: Sequence[str]) -> list[str]:
        """Return those of `names` that are neither completed nor skipped, in their order."""
        return [name for name in names if name not in self.completed and name not in self.skipped]

    def _open(self, record: Record) -> None:
        self.given = tuple(record.names)
        self._renew_remaining()

    def _start(self, record: Record) -> None:
        self.started[record.activity] = record

    def _stop(self, record: Record) -> None:
        self.started.pop(record.activity, None)

    def _complete(self, record: Record) -> None:
        name = record.activity
        self.completed.setdefault(name, record.at)
        for others in (self.remaining, self.failed, self.skipped, self.started):
            others.pop(name, None)

    def _skip(self, record: Record) -> None:
        name = record.activity
        if name not in self.completed:
            self.skipped[name] = record.text
            for others in (self.remaining, self.failed, self.started):
                others.pop(name, None)

    def _fail(self, record: Record) -> None:
        self.started.pop(record.activity, None)
        if record.activity not in self.completed:
            self.failed[record.activity] = record.text

    def _reset(self, record: Record) -> None:
        for each in (self.completed, self.failed, self.skipped, self.started):
            each.pop(record.activity, None)
        self._renew_remaining()

    def _renew_remaining(self) -> None:
        self.remaining = dict.fromkeys(self.left_of(self.given))


_CHANGES = {
    OPEN: Ledger._open,
    START: Ledger._start,
    STOP: Ledger._stop,
    COMPLETE: Ledger._complete,
    SKIP: Ledger._skip,
    FAIL: Ledger._fail,
    RESET: Ledger._reset,
}
