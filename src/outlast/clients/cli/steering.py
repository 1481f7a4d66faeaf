"""What `cancel`, `pause`, `resume`, `retry` and `remove` do alike: find the jobs, ask, act, report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.choosing import Choice, find_all, refuse_last
from outlast.clients.cli.faults import fault_of, tell
from outlast.clients.cli.session import Session
from outlast.clients.render.jobs import job_list
from outlast.clients.render.text import visible
from outlast.clients.render.words import status_words
from outlast.core.errors import OutlastError, Refused
from outlast.core.query import parse_query
from outlast.core.view import job_object

if TYPE_CHECKING:
    from outlast.core.job import Job
    from outlast.service import Service

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What is done with jobs. `fits` picks those of a query for which it makes sense.

    `act` returns the job as it is then, None if it is gone. `ends` says that a job is ended or removed.
    """

    word: str
    done: str
    fits: Callable[["Job"], bool]
    act: Callable[["Service", "Job"], "Job | None"]
    ends: bool = False


def steer(session: Session, choice: Choice, verb: Verb) -> int:
    """Do it with every job that was chosen; return the exit code, that of the first error if there was one."""
    jobs = _chosen(session, choice, verb)
    if choice.match is not None:
        if choice.dry_run:
            _show(session, jobs)
            return 0
        _ask(session, jobs, verb, asked=choice.yes)
    done: list[Job] = []
    faults = []
    for job in jobs:
        try:
            after = verb.act(session.service(), job)
        except OutlastError as error:
            faults.append(fault_of(error, None))
            continue
        done.append(after or job)
        if not session.json:
            session.print_lines([_line(session, job, after, verb)])
    if session.json:
        _report(session, choice, done, len(jobs))
    for fault in faults:
        tell(fault, as_json=session.json, paint=session.paint(on_stderr=True))
    return faults[0].exit_code if faults else 0


def _chosen(session: Session, choice: Choice, verb: Verb) -> list["Job"]:
    if choice.match is None:
        if verb.ends:
            refuse_last(session, choice.ids)
        return find_all(session, choice.ids)
    query = parse_query(choice.match)
    return [job for job in session.existing().matching(query) if verb.fits(job)] if session.has_store() else []


def _ask(session: Session, jobs: Sequence["Job"], verb: Verb, *, asked: bool) -> None:
    """Ask a person, once; raise Refused where nobody can answer, and Abort after a no."""
    if asked or not jobs:
        return
    count = _count(jobs)
    if not session.can_ask:
        raise Refused(f"This would {verb.word} {count}.", "Add --yes to do it, or --dry-run to see which.")
    screen = session.screen(on_stderr=True)
    for line in _preview(jobs, job_list(jobs[:MOST_SHOWN], screen)):
        session.note(line)
    if not click.confirm(f"{verb.word.capitalize()} {count}?", err=True):
        session.note("Nothing was done.")
        raise click.exceptions.Exit(0)


def _show(session: Session, jobs: Sequence["Job"]) -> None:
    if session.json:
        session.print_json({"jobs": [job_object(job) for job in jobs]})
    elif jobs:
        session.print_lines(job_list(jobs, session.screen()))
    else:
        session.note("No job fits.")


def _preview(jobs: Sequence["Job"], lines: list[str]) -> list[str]:
    more = len(jobs) - MOST_SHOWN
    return [*lines, f"… and {more:,} more"] if more > 0 else lines


def _line(session: Session, before: "Job", after: "Job | None", verb: Verb) -> str:
    if after is None:
        return f"{visible(before.id)} {verb.done}"
    return f"{visible(after.id)} {session.paint().status(status_words(after), after.status)}"


def _report(session: Session, choice: Choice, done: Sequence["Job"], wanted: int) -> None:
    views = [job_object(job) for job in done]
    if choice.match is None and wanted == 1:
        for view in views:
            session.print_json(view)
    else:
        session.print_json({"jobs": views})


def _count(jobs: Sequence["Job"]) -> str:
    return "1 job" if len(jobs) == 1 else f"{len(jobs):,} jobs"
