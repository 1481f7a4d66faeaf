"""What happened over the weeks: rates, failures, durations, and what hangs. Pure: entries in, a report out."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from outlast.jobstate.reading import Entry
from outlast.jobstate.records import COMPLETE, FAIL, Record

_LEAST_RUNS = 5
"""So many durations must be known before one can be longer than usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many activities of those that were planned."""

    done: int = 0
    planned: int = 0

    @property
    def fraction(self) -> float | None:
        """Between 0 and 1; None where nothing was planned."""
        return self.done / self.planned if self.planned else None

    def plus(self, done: int, planned: int) -> "Rate":
        return Rate(done=self.done + done, planned=self.planned + planned)

    def as_json(self) -> dict[str, Any]:
        return {
            "completed": self.done,
            "planned": self.planned,
            "rate": None if self.fraction is None else round(self.fraction, 4),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """One account: its rate, and that of each day on which it had a checklist."""

    account: str
    rate: Rate
    days: Mapping[str, Rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The durations of one activity in the week that begins on `monday`."""

    monday: str
    runs: int
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityReport:
    """One activity of one type: how often it was completed and failed, and how long it takes when it is completed."""

    type: str
    activity: str
    completed: int
    failed: int
    last_error: str
    last_failed_at: str
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    weeks: Sequence[Week]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """An activity that is being done, and longer than it should; or that was interrupted by a death.

    `why` is `slow` (longer than its own p99), `silent` (nothing of its checklist was noted for long) or `interrupted`.
    """

    account: str
    type: str
    date: str
    activity: str
    process: int | None
    since: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of the days from `first` to `today`."""

    first: str
    today: str
    total: Rate
    checklists: int
    failures: int
    accounts: Sequence[AccountReport]
    activities: Sequence[ActivityReport]
    hanging: Sequence[Hanging]
    damaged: int = field(default=0)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "first": self.first,
            "today": self.today,
            "total": {**self.total.as_json(), "checklists": self.checklists, "failures": self.failures},
            "accounts": [
                {
                    "account": each.account,
                    **each.rate.as_json(),
                    "days": {day: rate.as_json() for day, rate in each.days.items()},
                }
                for each in self.accounts
            ],
            "activities": [{**asdict(each), "last_failed_at": each.last_failed_at or None} for each in self.activities],
            "hanging": [asdict(each) for each in self.hanging],
            "damaged_records": self.damaged,
        }


def make_report(
    entries: Iterable[Entry], *, first: str, today: str, now: float, silent_minutes: float = 10.0
) -> Report:
    """Return the report of these checklists; `now` is seconds since 1970."""
    entries = sorted(entries, key=lambda entry: entry.date)
    activities = _activities(entries)
    accounts = _accounts(entries)
    total = Rate()
    for each in accounts:
        total = total.plus(each.rate.done, each.rate.planned)
    return Report(
        first=first,
        today=today,
        total=total,
        checklists=len(entries),
        failures=sum(each.failed for each in activities),
        accounts=accounts,
        activities=activities,
        hanging=_hanging(entries, activities, now, silent_minutes),
        damaged=sum(entry.damaged for entry in entries),
    )


def _accounts(entries: Sequence[Entry]) -> list[AccountReport]:
    days: dict[str, dict[str, Rate]] = defaultdict(dict)
    for entry in entries:
        of_account = days[entry.account]
        rate = of_account.get(entry.date, Rate())
        of_account[entry.date] = rate.plus(len(entry.completed), entry.planned)
    return [
        AccountReport(
            account=account,
            rate=Rate(done=sum(r.done for r in rates.values()), planned=sum(r.planned for r in rates.values())),
            days=rates,
        )
        for account, rates in sorted(days.items())
    ]


def _activities(entries: Sequence[Entry]) -> list[ActivityReport]:
    """Return the activities, those that fail most first, then those that take longest."""
    records: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for entry in entries:
        done = set()
        for record in entry.records:
            if record.event in (COMPLETE, FAIL):
                records[entry.type, record.activity].append(record)
                done.add(record.activity)
        for name in (*entry.completed, *entry.remaining):
            if name not in done:  # known from its JSON only, or never begun
                records[entry.type, name] += [_found(entry)] if name in entry.completed else []
    reports = [_activity(kind, name, found) for (kind, name), found in records.items() if found]
    return sorted(reports, key=lambda each: (-each.failed, -(each.median_ms or 0.0), each.type, each.activity))


def _found(entry: Entry) -> Record:
    return Record(COMPLETE, at=entry.last_update)


def _activity(kind: str, name: str, records: Sequence[Record]) -> ActivityReport:
    completed = [record for record in records if record.event == COMPLETE]
    failed = [record for record in records if record.event == FAIL]
    last = max(failed, key=lambda record: record.at, default=None)
    timed = [(record.at, record.duration_ms) for record in completed if record.duration_ms is not None]
    durations = sorted(duration for _, duration in timed)
    return ActivityReport(
        type=kind,
        activity=name,
        completed=len(completed),
        failed=len(failed),
        last_error="" if last is None else last.text,
        last_failed_at="" if last is None else last.at,
        median_ms=percentile(durations, 50),
        p95_ms=percentile(durations, 95),
        p99_ms=percentile(durations, 99),
        weeks=_weeks(timed),
    )


def _weeks(timed: Iterable[tuple[str, float]]) -> list[Week]:
    weeks: dict[str, list[float]] = defaultdict(list)
    for at, duration in timed:
        if monday := _monday(at):
            weeks[monday].append(duration)
    return [
        Week(
            monday=monday,
            runs=len(durations),
            median_ms=percentile(sorted(durations), 50) or 0.0,
            p95_ms=percentile(sorted(durations), 95) or 0.0,
        )
        for monday, durations in sorted(weeks.items())
    ]


def _monday(at: str) -> str:
    try:
        day = date.fromisoformat(at[:10])
    except ValueError:
        return ""
    return (day - timedelta(days=day.weekday())).isoformat()


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the smallest value that so many percent do not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _hanging(
    entries: Sequence[Entry], activities: Sequence[ActivityReport], now: float, silent_minutes: float
) -> list[Hanging]:
    """Return what is being done for too long, and what was interrupted and has not been done since."""
    usual = {
        (each.type, each.activity): each.p99_ms
        for each in activities
        if each.p99_ms is not None and sum(week.runs for week in each.weeks) >= _LEAST_RUNS
    }
    found = []
    for entry in entries:
        last = max((record.at for record in entry.records), default="")
        for name, start in entry.doing.items():
            seconds = _seconds_since(start.at, now)
            limit = usual.get((entry.type, name))
            if limit is not None and seconds * 1000 > limit:
                found.append(_hangs(entry, name, start, seconds, "slow"))
            elif _seconds_since(last, now) > silent_minutes * 60:
                found.append(_hangs(entry, name, start, seconds, "silent"))
        for name, start in entry.interrupted.items():
            found.append(_hangs(entry, name, start, _seconds_since(start.at, now), "interrupted"))
    return found


def _hangs(entry: Entry, name: str, start: Record, seconds: float, why: str) -> Hanging:
    return Hanging(
        account=entry.account,
        type=entry.type,
        date=entry.date,
        activity=name,
        process=start.process,
        since=start.at,
        seconds=round(seconds, 1),
        why=why,
    )


def _seconds_since(at: str, now: float) -> float:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return 0.0
    return max(0.0, now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
