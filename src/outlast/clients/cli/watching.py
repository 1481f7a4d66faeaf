"""Waiting for jobs and following one: what `wait`, `follow`, `submit` and `run` do alike."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from outlast.clients.cli.session import Session
from outlast.clients.cli.tail import Show, Tail
from outlast.clients.render.progress import full_progress
from outlast.clients.render.text import visible, visible_line
from outlast.clients.render.words import end_line, known_by, status_words
from outlast.core.status import Status
from outlast.core.view import job_object
from outlast.joblog import JobLog

if TYPE_CHECKING:
    from outlast.core.job import Job

LOOK_SECONDS = 0.25
"""How often a followed job's log is looked at."""
LONGEST_RESULT = 2_000


def wait_to_end(session: Session, job_ids: Sequence[str], timeout: float | None) -> int:
    """Wait for the jobs, report how they ended, and return the exit code."""
    try:
        jobs = session.service().wait(job_ids, timeout)
    except KeyboardInterrupt:
        _say_it_goes_on(session, job_ids)
        raise
    if session.json:
        views = [job_object(job) for job in jobs]
        session.print_json(views[0] if len(views) == 1 else {"jobs": views})
    else:
        session.print_lines(line for job in jobs for line in _end_lines(session, job))
    return exit_code(jobs)


def follow_to_end(session: Session, job_id: str, timeout: float | None, *, log_from_start: bool) -> int:
    """Show the job's progress and log until it has ended, and return the exit code."""
    service = session.service()
    tail = Tail(JobLog(service.places, job_id), from_start=log_from_start)
    show = _json_shower(session) if session.json else _shower(session)
    last = None
    try:
        for last in service.follow(job_id, timeout, LOOK_SECONDS):
            show(last, tail.read())
    except KeyboardInterrupt:
        _say_it_goes_on(session, [job_id])
        raise
    finally:
        show(None, b"")
    if last is None:
        return 0
    if not session.json:
        session.print_lines(_end_lines(session, last))
    return exit_code([last])


def exit_code(jobs: Sequence["Job"]) -> int:
    """Return 1 if one of the jobs failed or was cancelled."""
    return 1 if any(job.status in (Status.FAILED, Status.CANCELLED) for job in jobs) else 0


def _shower(session: Session) -> Show:
    if session.on_terminal and os.environ.get("TERM", "dumb") != "dumb":
        from outlast.clients.cli.live import live_shower

        return live_shower(session)
    return _plain_shower(session)


def _json_shower(session: Session) -> Show:
    """Print the job object whenever it has changed."""
    seen: Job | None = None

    def show(job: "Job | None", grown: bytes) -> None:
        nonlocal seen
        if job is not None and job != seen:
            seen = job
            session.print_json(job_object(job), stream=True)

    return show


def _plain_shower(session: Session) -> Show:
    """Print log lines as they come, and a line whenever status or progress has changed."""
    seen = ""

    def show(job: "Job | None", grown: bytes) -> None:
        nonlocal seen
        write_log(session, grown)
        if job is not None and not job.status.is_end and (words := now_words(job)) != seen:
            seen = words
            session.print_lines([words])
        session.write("", flush=True)

    return show


def now_words(job: "Job") -> str:
    """Return status and progress on one line."""
    parts = [status_words(job)]
    if job.progress is not None:
        parts += [full_progress(job.progress, 10), visible(job.progress.message or "")]
    return "  ".join(filter(None, parts))


def write_log(session: Session, text: bytes) -> None:
    """Write a piece of a log: as it is, but to a terminal without what would steer it."""
    if text and not session.on_terminal:
        session.write(text)
        return
    for line in text.decode("utf-8", "replace").splitlines(keepends=True):
        body = line.rstrip("\n")
        session.write(visible_line(body) + line[len(body) :])


def _end_lines(session: Session, job: "Job") -> list[str]:
    paint = session.paint()
    line = end_line(job, session.now())
    lines = [line.replace(status_words(job), paint.status(status_words(job), job.status), 1)]
    if job.status is Status.COMPLETED and job.result not in (None, "null"):
        result = job.result or ""
        cut = "…" if len(result) > LONGEST_RESULT else ""
        lines.append(f"result: {visible(result[:LONGEST_RESULT])}{cut}")
    if job.status is Status.FAILED:
        name = known_by(job.id)
        session.note(f"outlast logs {name} and outlast show {name} --verbose tell more.")
    return lines


def _say_it_goes_on(session: Session, job_ids: Sequence[str]) -> None:
    session.note(f"\nInterrupted; the work goes on. outlast wait {' '.join(map(known_by, job_ids[:3]))}")
