"""`outlast logs`: what a job wrote to stdout and stderr."""

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.choosing import find, id_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.tail import Tail
from outlast.clients.cli.watching import write_log
from outlast.clients.render.logs import beginning, of_attempt
from outlast.core.errors import NotFound
from outlast.core.logfiles import first_line
from outlast.joblog import JobLog

if TYPE_CHECKING:
    from outlast.core.job import Job

Lines = Iterable[bytes]
LOOK_SECONDS = 0.25
"""How often a growing log is looked at."""
LONGEST_LINE = 1_000_000
"""A longer one is passed on in pieces: some programs never end theirs."""


@click.command(epilog=examples("outlast logs 9f2c41d0", "outlast logs @last -f", "outlast logs KEY --attempt 2"))
@id_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Only what attempt N wrote.")
@pass_session
def command(session: Session, job_id: str, follow: bool, attempt: int | None) -> None:
    """Print a job's log.

    A later attempt begins with the line "== attempt N ==". Of more than 20 MB only the end is kept. With --json:
    {"job_id", "log"}; with -f a line {"line": text} for each line.
    """
    job = find(session, job_id)
    if attempt is not None and attempt > job.attempt and not follow:
        raise NotFound(f"{job.id} has no attempt {attempt}.", f"It has had {job.attempt}.")
    lines: Lines = _growing(session, job) if follow else _written(session, job)
    if attempt is not None:
        lines = of_attempt(lines, attempt, _first_attempt(session, job))
    if session.json:
        _print_json(session, job, lines, follow=follow)
    else:
        for line in lines:
            write_log(session, line)


def _written(session: Session, job: "Job") -> Iterator[bytes]:
    """Yield the lines that are there."""
    return _lines(session, job, repeat(None, 1))


def _growing(session: Session, job: "Job") -> Iterator[bytes]:
    """Yield the lines until the job has ended, as they come."""
    return _lines(session, job, session.service().follow(job.id, None, LOOK_SECONDS))


def _lines(session: Session, job: "Job", looks: Iterable[object]) -> Iterator[bytes]:
    """Yield the lines that are there at each of the looks, and at the end what is no whole line."""
    log = JobLog(session.existing().places, job.id)
    if gone := log.begin():
        yield first_line(gone)
    tail = Tail(log, from_start=True)
    rest = b""
    for _ in looks:
        while grown := tail.read():
            *lines, rest = (rest + grown).split(b"\n")
            yield from (line + b"\n" for line in lines)
            if len(rest) > LONGEST_LINE:
                yield rest
                rest = b""
        session.write("", flush=True)
    if rest:
        yield rest


def _first_attempt(session: Session, job: "Job") -> int:
    """Return whose the first line of the log is."""
    marked = beginning(_written(session, job))
    is_whole = JobLog(session.existing().places, job.id).begin() == 0
    return marked if marked is not None else 1 if is_whole else job.attempt


def _print_json(session: Session, job: "Job", lines: Lines, *, follow: bool) -> None:
    texts = (line.decode("utf-8", "replace") for line in lines)
    if not follow:
        session.print_json({"job_id": job.id, "log": "".join(texts)})
        return
    for text in texts:
        session.print_json({"line": text.removesuffix("\n")}, stream=True)
