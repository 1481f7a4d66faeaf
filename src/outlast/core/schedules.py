"""Schedules: cron rules that submit jobs, and what is to be done when one is due. Pure decisions; the store acts."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from outlast.core.cron import check_rule, check_zone, last_time, next_time, next_times, rule_in_words
from outlast.core.errors import UsageError
from outlast.core.ids import make_id
from outlast.core.job import Job, NewJob, Spec
from outlast.core.moments import Moment, to_iso

LABEL = "schedule"
"""The label that names the schedule of a job."""
ON_TIME_MS = 60_000
"""What is due for longer is missed."""
MOST_MADE_UP = 1_000
"""Of more missed times the oldest are made up, the rest is not."""
CLOCK_WENT_BACK_MS = 25 * 3_600_000
"""After a smaller step back the clock soon comes to where it was; until then everything has been done already."""
SHOWN_TIMES = 5
_Word = TypeVar("_Word", bound=StrEnum)
_NAME = re.compile(r"[^\s\0-\x1f\x7f-\x9f\ud800-\udfff-][^\s\0-\x1f\x7f-\x9f\ud800-\udfff]{0,199}\Z")


class CatchUp(StrEnum):
    """What becomes of due times at which nothing could be submitted."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of a due time while the schedule's previous job is unfinished."""

    SKIP = "skip"
    QUEUE = "queue"


class Timetable(NamedTuple):
    """When a schedule is due, checked: `rule` is five fields, `timezone` an IANA name."""

    rule: str
    timezone: str
    catch_up: CatchUp
    overlap: Overlap

    def next_times(self, after: Moment, count: int = SHOWN_TIMES) -> list[Moment]:
        """Return the next due times."""
        return next_times(self.rule, self.timezone, after, count)

    def next_time(self, after: Moment) -> Moment | None:
        """Return the next due time, None if there is none any more."""
        return next_time(self.rule, self.timezone, after)


class Schedule(NamedTuple):
    """A rule and the job it submits; `args` is the JSON text of a NewJob."""

    name: str
    timetable: Timetable
    spec: Spec
    args: str
    account: str | None = None
    labels: Mapping[str, str] = {}
    queue: str = "default"
    priority: int = 0
    actor: str = ""


class Scheduled(NamedTuple):
    """A schedule as it is stored.

    `next_at`: the next due time, None if there is none. `settled_to`: up to this moment every due time has been dealt
    with, whatever the clock does later. `skipped`: due times that an unfinished job has cost since the last job.
    `revision` changes with every change.
    """

    schedule: Schedule
    paused: bool
    next_at: Moment | None
    settled_to: Moment
    last_job_id: str | None
    skipped: int
    created_at: Moment
    revision: int


class Firing(NamedTuple):
    """What is done with a due schedule: a job for each of `times`; then it is due at `next_at`.

    `overlaps`: nothing is submitted, because the previous job is unfinished. `passed_over`: some times were missed and
    are not made up.
    """

    times: tuple[Moment, ...]
    next_at: Moment | None
    overlaps: bool = False
    passed_over: bool = False


def make_timetable(rule: str, *, timezone: str, catch_up: str | None = None, overlap: str | None = None) -> Timetable:
    """Return the checked timetable of what a person wrote. Raise UsageError for what makes no sense."""
    catching = _word("catch_up", catch_up or CatchUp.ONCE, CatchUp)
    if catching is CatchUp.ALL and overlap == Overlap.SKIP:
        raise UsageError(
            "catch_up all makes up every missed time, overlap skip would skip all but the first.",
            "Use overlap queue with it.",
        )
    default = Overlap.QUEUE if catching is CatchUp.ALL else Overlap.SKIP
    return Timetable(
        rule=check_rule(rule),
        timezone=check_zone(timezone),
        catch_up=catching,
        overlap=_word("overlap", overlap or default, Overlap),
    )


def check_name(name: str) -> str:
    """Return the name of a schedule; raise UsageError unless it is 1 to 200 characters without spaces."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise UsageError(
            f"{name!r:.80} is no name of a schedule.", "Use 1 to 200 characters without spaces; the first is no dash."
        )
    return name


def decide(found: Scheduled, now: Moment, *, previous_runs: bool) -> Firing:
    """Return what is to be done with a schedule at `now`. No due time up to `settled_to` is ever made up.

    A time that is due for at most a minute is on time. Missed ones follow `catch_up`; if `previous_runs` and overlaps
    are skipped, none gets a job. Where the clock went back behind `settled_to`, it is only told when it is due next.
    """
    table = found.schedule.timetable
    next_at = table.next_time(now)
    if found.next_at is None or found.next_at > now:
        return Firing(times=(), next_at=next_at)
    times, passed_over = _times(table, found.next_at, found.settled_to, now)
    if times and previous_runs and table.overlap is Overlap.SKIP:
        return Firing(times=(), next_at=next_at, overlaps=True, passed_over=passed_over)
    return Firing(times=times, next_at=next_at, passed_over=passed_over)


def _times(table: Timetable, since: Moment, settled_to: Moment, now: Moment) -> tuple[tuple[Moment, ...], bool]:
    """Return the due times from `since` to `now` that get a job, oldest first, and whether others were passed over."""
    early = now - ON_TIME_MS - 1
    on_time = _until(table, max(since - 1, early), now, most=MOST_MADE_UP)
    missed_since = max(since - 1, settled_to)
    has_missed = since <= early
    if not has_missed or table.catch_up is CatchUp.SKIP:
        return on_time, has_missed
    if table.catch_up is CatchUp.ONCE:
        last = last_time(table.rule, table.timezone, missed_since, early)
        return (on_time[-1:], True) if on_time else ((last,) if last is not None else (), False)
    missed = _until(table, missed_since, early, most=MOST_MADE_UP)
    more = len(missed) == MOST_MADE_UP and (table.next_time(missed[-1]) or early + 1) <= early
    return (*missed, *on_time), more


def _until(table: Timetable, after: Moment, until: Moment, *, most: int) -> tuple[Moment, ...]:
    times: list[Moment] = []
    due = table.next_time(after)
    while due is not None and due <= until and len(times) < most:
        times.append(due)
        due = table.next_time(due)
    return tuple(times)


def job_due(schedule: Schedule, due: Moment) -> NewJob:
    """Return the job of a due time. Its key and id are the same whenever it is asked for."""
    import hashlib  # here only: OpenSSL is more than all that jobs load with this module

    key = f"schedule:{schedule.name}:{to_iso(due)}"
    digest = hashlib.sha256(key.encode()).digest()
    return _job(schedule, make_id(schedule.spec.kind, due, digest[:8]), key, f"schedule:{schedule.name}")


def job_now(schedule: Schedule, now: Moment, random_part: bytes, actor: str) -> NewJob:
    """Return a job of the schedule beside its due times."""
    return _job(schedule, make_id(schedule.spec.kind, now, random_part), None, actor)


def _job(schedule: Schedule, job_id: str, key: str | None, actor: str) -> NewJob:
    return NewJob(
        id=job_id,
        spec=schedule.spec,
        args=schedule.args,
        key=key,
        account=schedule.account,
        labels={**schedule.labels, LABEL: schedule.name},
        queue=schedule.queue,
        priority=schedule.priority,
        actor=actor,
    )


def schedule_object(found: Scheduled, last_job: Job | None, now: Moment) -> dict[str, Any]:
    """Return the JSON object of a schedule, as `schedule list --json` shows it."""
    schedule, table = found.schedule, found.schedule.timetable
    return {
        "name": schedule.name,
        "rule": table.rule,
        "words": rule_in_words(table.rule),
        "timezone": table.timezone,
        "catch_up": str(table.catch_up),
        "overlap": str(table.overlap),
        "paused": found.paused,
        "next": [to_iso(moment) for moment in upcoming(found, now)],
        "kind": schedule.spec.kind,
        "target": schedule.spec.target,
        "account": schedule.account,
        "labels": dict(schedule.labels),
        "last_job": None if last_job is None else {"job_id": last_job.id, "status": str(last_job.status)},
        "skipped": found.skipped,
        "created_at": to_iso(found.created_at),
    }


def upcoming(found: Scheduled, now: Moment) -> list[Moment]:
    """Return the next due times: none of a paused schedule, first the stored one."""
    if found.paused or found.next_at is None:
        return []
    rest = found.schedule.timetable.next_times(max(found.next_at, now), SHOWN_TIMES - 1)
    return [found.next_at, *rest]


def _word(what: str, value: str, words: type[_Word]) -> _Word:
    try:
        return words(value)
    except ValueError:
        raise UsageError(f"{what} is {value!r:.40}.", f"Use {' or '.join(words)}.") from None
