"""The screen of schedules: for each its rule in words, the next due times, and its last job."""

import json
import shlex
from collections.abc import Iterator, Sequence

from outlast.clients.render.jobs import Screen, field_lines
from outlast.clients.render.text import fit, visible
from outlast.clients.render.times import age, span
from outlast.clients.render.words import short_id, status_words
from outlast.core.codec import decode
from outlast.core.cron import local_time, rule_in_words
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.schedules import CatchUp, Overlap, Schedule, Scheduled, upcoming

_LABEL_WIDTH = 5
COMMAND_KIND = "command"
_CATCH_UP = {
    CatchUp.SKIP: "missed times are not made up",
    CatchUp.ONCE: "missed times are made up by one job",
    CatchUp.ALL: "each missed time is made up",
}
_OVERLAP = {
    Overlap.SKIP: "a time is skipped while the last job is unfinished",
    Overlap.QUEUE: "a time is queued while the last job is unfinished",
}


def schedule_list(schedules: Sequence[tuple[Scheduled, Job | None]], screen: Screen) -> list[str]:
    """Return the screen of schedules."""
    lines: list[str] = []
    for found, last in schedules:
        lines += ["", *_one(found, last, screen)] if lines else _one(found, last, screen)
    return lines


def _one(found: Scheduled, last: Job | None, screen: Screen) -> list[str]:
    schedule, table = found.schedule, found.schedule.timetable
    head = f"{visible(schedule.name)}  {rule_in_words(table.rule)}, {table.timezone}"
    head += "  (paused)" if found.paused else ""
    lines = [screen.paint(fit(head, screen.width), "dim" if found.paused else "bold")]
    lines += _next_lines(found, screen)
    for label, value in _facts(found, last, screen.now):
        lines += field_lines(label, value, screen, _LABEL_WIDTH)
    return lines


def _next_lines(found: Scheduled, screen: Screen) -> Iterator[str]:
    times = upcoming(found, screen.now)
    if not times:
        why = "when it is resumed" if found.paused else "never"
        yield from field_lines("next", why, screen, _LABEL_WIDTH)
    for number, moment in enumerate(times):
        label = screen.paint("next ", "dim") if number == 0 else " " * _LABEL_WIDTH
        yield f"  {label}  {told_time(found, moment, screen.now)}"


def told_time(found: Scheduled, moment: Moment, now: Moment) -> str:
    """Return a due time as the schedule's zone shows it, and how far it is: `Sat 2025-09-20 06:30 +02:00  in 3h`."""
    at = local_time(moment, found.schedule.timetable.timezone)
    words = "now" if moment <= now else f"in {span((moment - now) / 1000)}"
    return f"{at:%a %Y-%m-%d %H:%M} {at.isoformat()[-6:]}  {words}"


def _what(schedule: Schedule) -> str:
    """Return the target and its arguments as they could be typed, or the command."""
    call = decode(schedule.args)
    args, kwargs = call["args"], call["kwargs"]
    if schedule.spec.kind == COMMAND_KIND and "argv" in kwargs:
        return shlex.join(kwargs["argv"])
    words = [json.dumps(value) for value in args] + [f"{name}={json.dumps(value)}" for name, value in kwargs.items()]
    return " ".join([schedule.spec.target, *words])


def _facts(found: Scheduled, last: Job | None, now: Moment) -> Iterator[tuple[str, str]]:
    schedule, table = found.schedule, found.schedule.timetable
    yield "runs", _what(schedule)
    if schedule.account:
        yield "for", schedule.account
    yield "rule", f"{table.rule}; {_CATCH_UP[table.catch_up]}; {_OVERLAP[table.overlap]}"
    if last is not None:
        ago = age(last.created_at, now)
        yield (
            "last",
            f"{short_id(last.id)} {status_words(last)}, submitted {'just now' if ago == 'now' else f'{ago} ago'}",
        )
    if found.skipped:
        times = "1 time was" if found.skipped == 1 else f"{found.skipped:,} times were"
        yield "lost", f"{times} skipped since then: that job has not ended"
