"""What came of each activity of one checklist, as its journal tells it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from outlast.jobstate.reading import Entry
from outlast.jobstate.records import COMPLETE, FAIL, RESET, SKIP, START, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityHistory:
    """One activity: `status` is completed, doing, interrupted, failed, skipped or remaining.

    `at` is when it came to that, `text` the error or the reason, `tries` how often it was begun.
    """

    activity: str
    status: str
    at: str
    duration_ms: float | None
    tries: int
    text: str
    process: int | None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at or None}


def activities_of(entry: Entry) -> list[ActivityHistory]:
    """Return the activities of a checklist: the completed ones in their order, then the others."""
    last: dict[str, Record] = {}
    tries: dict[str, int] = {}
    for record in entry.records:
        if record.event == START:
            tries[record.activity] = tries.get(record.activity, 0) + 1
        elif record.event in (COMPLETE, FAIL, SKIP):
            last[record.activity] = record
        elif record.event == RESET:
            last.pop(record.activity, None)
    return [_history(entry, name, status, last, tries) for name, status in _statuses(entry)]


def _statuses(entry: Entry) -> Iterator[tuple[str, str]]:
    yield from ((name, "completed") for name in entry.completed)
    groups: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("doing", entry.doing),
        ("interrupted", entry.interrupted),
        ("failed", entry.failed),
    )
    for name in entry.remaining:
        yield name, next((status for status, group in groups if name in group), "remaining")
    yield from ((name, "skipped") for name in entry.skipped)


def _history(
    entry: Entry, name: str, status: str, last: Mapping[str, Record], tries: Mapping[str, int]
) -> ActivityHistory:
    started = entry.doing.get(name) or entry.interrupted.get(name)
    record = started if started is not None else last.get(name)
    ended = record is not None and started is None
    return ActivityHistory(
        activity=name,
        status=status,
        at="" if record is None else record.at,
        duration_ms=record.duration_ms if record is not None and ended else None,
        tries=tries.get(name, 0),
        text=entry.failed.get(name) or entry.skipped.get(name) or "",
        process=None if record is None else record.process,
    )
