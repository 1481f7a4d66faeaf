"""The screens of jobs: a list, one job."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from outlast.clients.render.paint import Paint
from outlast.clients.render.progress import full_progress
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import pad, visible, wrap
from outlast.clients.render.times import age, since
from outlast.clients.render.waiting import is_plain, plain_words, waiting_words
from outlast.clients.render.words import detail, short_id, status_cell, status_words, whose
from outlast.core.durations import format_duration
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.status import Reason, Status
from outlast.core.view import elapsed_seconds

LABEL_WIDTH = 10
LONGEST_VALUE = 2_000
"""A result or message longer than this is cut on the screen; --json has all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where text goes: so many columns, at this moment, with or without colours."""

    width: int
    now: Moment
    paint: Paint


def job_list(jobs: Sequence[Job], screen: Screen) -> list[str]:
    """Return the table of jobs."""
    paint = screen.paint
    columns = (
        Column(heading="ID", least=8, gives_way=5),
        Column(heading="KIND", wants=8, least=6, gives_way=3),
        Column(
            heading="STATUS",
            wants=21,
            least=10,
            gives_way=0,
            paint=lambda row, text: paint.status(text, jobs[row].status),
        ),
        Column(
            heading="DETAIL",
            wants=16,
            least=12,
            gives_way=1,
            paint=lambda row, text: paint(text, "dim" if jobs[row].status is Status.COMPLETED else ""),
        ),
        Column(heading="AGE", gives_way=9, right=True),
        Column(heading="ACCOUNT/KEY", wants=11, least=11, gives_way=2, expendable=True),
    )
    rows = [
        (
            short_id(job.id),
            visible(job.kind),
            status_cell(job),
            detail(job, screen.now),
            age(job.created_at, screen.now),
            whose(job),
        )
        for job in jobs
    ]
    return table(columns, rows, screen.width, paint)


def job_screen(job: Job, screen: Screen, command: str = "") -> list[str]:
    """Return the screen of one job; `command` is what it runs, if that is a shell command."""
    lines = [screen.paint(line, "bold") for line in wrap(visible(job.id), screen.width)]
    fields = list(_fields(job, screen.now, command))
    room = max(LABEL_WIDTH, *(len(label) for label, _ in fields))
    for label, value in fields:
        lines += field_lines(label, value, screen, room)
        if label == "status":
            lines[-1] = lines[-1].replace(value, screen.paint.status(value, job.status), 1)
    return lines


def field_lines(label: str, value: str, screen: Screen, label_width: int = LABEL_WIDTH) -> list[str]:
    """Return `label  value`, wrapped below itself."""
    cut = "…" if len(value) > LONGEST_VALUE else ""
    first, *rest = wrap(visible(value[:LONGEST_VALUE]) + cut, max(screen.width - label_width - 4, 20))
    indent = " " * (label_width + 4)
    return [f"  {screen.paint(pad(label, label_width), 'dim')}  {first}", *(indent + line for line in rest)]


def _fields(job: Job, now: Moment, command: str) -> Iterator[tuple[str, str]]:
    yield "status", status_words(job)
    yield ("command", command) if command else ("kind", job.kind)
    yield from _progress_fields(job)
    yield from _time_fields(job, now)
    yield from _count_fields(job)
    for label, text in (("key", job.key), ("account", job.account)):
        if text:
            yield label, text
    if job.labels:
        yield "labels", " ".join(f"{name}={value}" for name, value in job.labels.items())
    if job.queue != "default":
        yield "queue", job.queue
    if job.priority:
        yield "priority", str(job.priority)
    yield from _outcome_fields(job)


def _progress_fields(job: Job) -> Iterator[tuple[str, str]]:
    if job.progress is None:
        return
    if words := full_progress(job):
        yield "progress", words
    if job.progress.message:
        yield "message", job.progress.message


def _time_fields(job: Job, now: Moment) -> Iterator[tuple[str, str]]:
    yield "submitted", since(job.created_at, now)
    if job.started_at is not None:
        yield "started", since(job.started_at, now)
    if job.wake_at is not None and job.status is Status.WAITING:
        yield ("not before" if job.reason is Reason.PAUSED else "due"), since(job.wake_at, now)
    if job.completed_at is not None:
        took = f", after {format_duration(elapsed_seconds(job, now))}" if job.started_at is not None else ""
        yield "ended", since(job.completed_at, now) + took


def _count_fields(job: Job) -> Iterator[tuple[str, str]]:
    counts = [
        f"{number} {one if number == 1 else many}"
        for number, one, many in ((job.tries, "failed try", "failed tries"), (job.crashes, "crash", "crashes"))
        if number
    ]
    if job.attempt > 1 or counts:
        yield "attempts", f"{job.attempt:,} ({', '.join(counts)})" if counts else f"{job.attempt:,}"


def _outcome_fields(job: Job) -> Iterator[tuple[str, str]]:
    if job.waiting_info and job.status is Status.WAITING:
        yield "waits for", waiting_words(job)
    if job.error:
        yield "error", job.error
    if job.result is not None and job.result != "null":
        yield ("result" if job.status is Status.COMPLETED else "so far"), job.result
    for name, value in (job.extra or {}).items():
        yield name.removesuffix("_info").replace("_", " "), _published(value)


def _published(value: object) -> str:
    """Return what a job published: an object of plain values as `name value, …`, anything else as JSON."""
    if isinstance(value, Mapping) and value and all(is_plain(each) for each in value.values()):
        return ", ".join(f"{str(name).replace('_', ' ')} {plain_words(each)}" for name, each in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
