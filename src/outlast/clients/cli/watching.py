"""Waiting for jobs, and how an end is told: what `wait`, `follow`, `submit` and `run` do alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outlast.clients.cli.session import Session
from outlast.clients.render.text import visible, visible_line
from outlast.clients.render.words import end_line, known_by, status_words
from outlast.core.status import Status
from outlast.core.view import job_object

if TYPE_CHECKING:
    from outlast.core.job import Job

LONGEST_RESULT = 2_000


def wait_to_end(session: Session, job_ids: Sequence[str], timeout: float | None) -> int:
    """Wait for the jobs, report how they ended, and return the exit code."""
    warn_if_nobody_comes(session, job_ids)
    try:
        jobs = session.service().wait(job_ids, timeout)
    except KeyboardInterrupt:
        say_it_goes_on(session, "wait", job_ids)
        raise
    if session.json:
        views = [job_object(job) for job in jobs]
        session.print_json(views[0] if len(views) == 1 else {"jobs": views})
    else:
        for job in jobs:
            session.print_lines(end_lines(session, job))
            hint(session, job)
    return exit_code(jobs)


def warn_if_nobody_comes(session: Session, job_ids: Sequence[str]) -> None:
    """Say it if there is something to wait for, and nobody who would do it."""
    service = session.service()
    office = service.lookout.office()
    if not office.lives and not office.may_start and not all(service.get(each).status.is_end for each in job_ids):
        session.note("No supervisor lives, and OUTLAST_AUTOSTART=0 keeps this one from starting one: outlast worker")


def exit_code(jobs: Sequence["Job"]) -> int:
    """Return 1 if one of the jobs failed or was cancelled."""
    return 1 if any(job.status in (Status.FAILED, Status.CANCELLED) for job in jobs) else 0


def write_log(session: Session, text: bytes) -> None:
    """Write a piece of a log: as it is, but to a terminal without what would steer it."""
    if text and not session.on_terminal:
        session.write(text)
        return
    for line in text.decode("utf-8", "replace").splitlines(keepends=True):
        body = line.rstrip("\n")
        session.write(visible_line(body) + line[len(body) :])


def end_lines(session: Session, job: "Job") -> list[str]:
    """Return how a job ended, and its result."""
    paint = session.paint()
    line = end_line(job, session.now())
    lines = [line.replace(status_words(job), paint.status(status_words(job), job.status), 1)]
    if job.status is Status.COMPLETED and job.result not in (None, "null"):
        result = job.result or ""
        cut = "…" if len(result) > LONGEST_RESULT else ""
        lines.append(f"result: {visible(result[:LONGEST_RESULT])}{cut}")
    return lines


def hint(session: Session, job: "Job") -> None:
    """Say what tells more of a failure: after how the job ended."""
    if job.status is Status.FAILED:
        name = known_by(job.id)
        session.write("", flush=True)
        session.note(f"outlast explain {name} tells why and what to do;\noutlast logs {name} shows what it wrote.")


def say_it_goes_on(session: Session, verb: str, job_ids: Sequence[str]) -> None:
    """Say that jobs go on although nobody looks any more, and how to look again."""
    if job_ids:
        session.note(f"\nInterrupted; the work goes on: outlast {verb} {' '.join(map(known_by, job_ids[:3]))}")
