"""`outlast logs`: what a job wrote to stdout and stderr."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.choosing import find, id_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.tail import Tail
from outlast.clients.cli.watching import write_log
from outlast.clients.render.logs import beginning, of_attempt

if TYPE_CHECKING:
    from pathlib import Path

    from outlast.core.job import Job

Lines = Iterable[bytes]
LOOK_SECONDS = 0.25
"""How often a growing log is looked at."""


@click.command(epilog=examples("outlast logs 9f2c41d0", "outlast logs @last -f", "outlast logs KEY --attempt 2"))
@id_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="Only what attempt N wrote.")
@pass_session
def command(session: Session, job_id: str, follow: bool, attempt: int | None) -> None:
    """Print a job's log.

    A later attempt begins with the line "== attempt N ==". With --json: {"job_id", "log"}; with -f a line
    {"line": text} for each line.
    """
    job = find(session, job_id)
    lines: Lines = _growing(session, job) if follow else _written(session.existing().log_files(job))
    if attempt is not None:
        lines = of_attempt(lines, attempt, _first_attempt(session, job))
    if session.json:
        _print_json(session, job, lines, follow=follow)
    else:
        for line in lines:
            write_log(session, line)


def _written(paths: Iterable["Path"]) -> Iterator[bytes]:
    """Yield the lines of the files as they are now."""
    with ExitStack() as open_files:
        for path in paths:
            yield from open_files.enter_context(path.open("rb"))


def _growing(session: Session, job: "Job") -> Iterator[bytes]:
    """Yield the lines until the job has ended, as they come."""
    service = session.service()
    *older, _ = [*service.log_files(job), None]
    if older and older[-1] == service.places.log(job.id):
        older.pop()
    yield from _written(path for path in older if path is not None)
    tail = Tail(service.places.log(job.id), from_start=True)
    rest = b""
    for _ in service.follow(job.id, None, LOOK_SECONDS):
        while grown := tail.read():
            *lines, rest = (rest + grown).split(b"\n")
            yield from (line + b"\n" for line in lines)
        session.write("", flush=True)
    tail.close()
    if rest:
        yield rest


def _first_attempt(session: Session, job: "Job") -> int:
    """Return whose the first line of the log is."""
    files = session.existing().log_files(job)
    marked = beginning(_written(files))
    return marked if marked is not None else job.attempt if len(files) > 1 else 1


def _print_json(session: Session, job: "Job", lines: Lines, *, follow: bool) -> None:
    texts = (line.decode("utf-8", "replace") for line in lines)
    if not follow:
        session.print_json({"job_id": job.id, "log": "".join(texts)})
        return
    for text in texts:
        session.print_json({"line": text.removesuffix("\n")}, stream=True)
