"""What `cancel`, `pause`, `resume`, `retry` and `remove` do alike: find the jobs, ask, act, report."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from outlast.acts import Act, Steered
from outlast.clients.cli.choosing import Choice, find_all, refuse_last
from outlast.clients.cli.faults import fault_of, tell
from outlast.clients.cli.session import Session
from outlast.clients.render.jobs import job_list
from outlast.clients.render.text import visible
from outlast.clients.render.words import known_by, status_words
from outlast.core.errors import Refused
from outlast.core.query import Field, Query, Term, parse_query
from outlast.core.status import ENDS, REASONS, UNFINISHED, Reason, Status
from outlast.core.view import job_object

if TYPE_CHECKING:
    from outlast.core.job import Job

MOST_SHOWN = 20
MOST_LISTED = 1_000
"""More jobs than that are no list that anybody reads; --json has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """What is done with jobs. `never_for` leaves out those of a query for which it makes no sense.

    `ends` says that a job is ended or removed. `under_way` tells what follows where a running job was only asked.
    """

    act: Act
    done: str
    never_for: tuple[Term, ...]
    ends: bool = False
    under_way: str = ""

    def narrowed(self, query: Query) -> Query:
        """Return the query without the jobs for which it makes no sense."""
        return query._replace(terms=(*query.terms, *self.never_for))


def no_status(statuses: Iterable[Status]) -> tuple[Term, ...]:
    """Return the terms that leave out jobs with these statuses."""
    return tuple(Term(field=Field.STATUS, value=status, negated=True) for status in statuses)


def no_reason(reasons: Iterable[Reason]) -> tuple[Term, ...]:
    """Return the terms that leave out jobs with these reasons."""
    return tuple(Term(field=Field.REASON, value=reason, negated=True) for reason in reasons)


CANCEL = Verb(
    act=Act.CANCEL,
    done="cancelled",
    never_for=no_status(ENDS),
    ends=True,
    under_way="Its process is being ended; outlast wait {job} returns when it is.",
)
PAUSE = Verb(
    act=Act.PAUSE,
    done="paused",
    never_for=(*no_status(ENDS), *no_reason([Reason.PAUSED])),
    under_way="It is stopped at its last save; outlast explain {job} tells when it is.",
)
RESUME = Verb(
    act=Act.RESUME,
    done="resumed",
    never_for=(
        *no_status(set(Status) - {Status.WAITING}),
        *no_reason(REASONS[Status.WAITING] - {Reason.PAUSED}),
    ),
)
RETRY = Verb(act=Act.RETRY, done="retried", never_for=no_status([*UNFINISHED, Status.COMPLETED]))
REMOVE = Verb(act=Act.REMOVE, done="removed", never_for=no_status(UNFINISHED), ends=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Jobs that are steered together: how many, the first of them to show, and a way to go through them all."""

    count: int
    head: Sequence["Job"]
    each: Callable[[], Iterable["Job"]]

    @property
    def words(self) -> str:
        return "1 job" if self.count == 1 else f"{self.count:,} jobs"


def steer(session: Session, choice: Choice, verb: Verb) -> int:
    """Do it with every job that was chosen; return the exit code, that of the first error if there was one."""
    if choice.match is not None:
        return steer_many(session, _matching(session, choice.match, verb), verb, dry_run=choice.dry_run, yes=choice.yes)
    if verb.ends:
        refuse_last(session, choice.ids)
    jobs = find_all(session, choice.ids)
    return _carry_out(session, jobs, verb, as_list=len(jobs) > 1)


def steer_many(session: Session, chosen: Selection, verb: Verb, *, dry_run: bool, yes: bool) -> int:
    """Show the jobs, or ask and do it with them all; return the exit code."""
    if dry_run:
        _show(session, chosen, verb)
        return 0
    if chosen.count and not yes:
        _ask(session, chosen, verb)
    if not chosen.count:
        session.note("No job fits.")
    return _carry_out(session, chosen.each() if chosen.count else (), verb, as_list=True)


def _matching(session: Session, match: str, verb: Verb) -> Selection:
    query = verb.narrowed(parse_query(match))
    if not session.has_store():
        return Selection(count=0, head=(), each=tuple)
    service = session.service()
    head = service.page(query, limit=MOST_SHOWN).jobs
    count = service.store.count(query) if len(head) == MOST_SHOWN else len(head)
    # What is submitted from now on was not shown, and is left alone.
    before = head[0].seq + 1 if head else None
    return Selection(count=count, head=head, each=lambda: service.matching(query, before))


def _carry_out(session: Session, jobs: Iterable["Job"], verb: Verb, *, as_list: bool) -> int:
    steered = session.service().steer(verb.act, jobs) if session.has_store() else iter(())
    views, faults, under_way = [], [], None
    for each in steered:
        if each.error is not None:
            faults.append(fault_of(each.error, None))
        elif session.json:
            views.append(job_object(each.after or each.before))
        else:
            session.print_lines([_line(session, each, verb)])
        if each.after is not None and each.after.intent is not None:
            under_way = each.after
    if session.json and (as_list or views):
        session.print_json({"jobs": views} if as_list else views[0])
    if under_way is not None and verb.under_way and not as_list:
        session.note(verb.under_way.format(job=known_by(under_way.id)))
    for fault in faults:
        tell(fault, as_json=session.json, paint=session.paint(on_stderr=True))
    return faults[0].exit_code if faults else 0


def _ask(session: Session, chosen: Selection, verb: Verb) -> None:
    """Ask a person, once; raise Refused where nobody can answer, and Exit after a no."""
    if not session.can_ask:
        raise Refused(f"This would {verb.act} {chosen.words}.", "Add --yes to do it, or --dry-run to see which.")
    for line in _preview(chosen, session):
        session.note(line)
    if not click.confirm(f"{verb.act.capitalize()} {chosen.words}?", err=True):
        session.note("Nothing was done.")
        raise click.exceptions.Exit(0)


def _preview(chosen: Selection, session: Session) -> Iterator[str]:
    yield from job_list(chosen.head, session.screen(on_stderr=True))
    if chosen.count > len(chosen.head):
        yield f"… and {chosen.count - len(chosen.head):,} more"


def _show(session: Session, chosen: Selection, verb: Verb) -> None:
    if session.json:
        session.print_json({"jobs": [job_object(job) for job in chosen.each()]})
        return
    if chosen.count:
        shown = [job for job, _ in zip(chosen.each(), range(MOST_LISTED), strict=False)]
        session.print_lines(job_list(shown, session.screen()))
        if chosen.count > len(shown):
            session.note(f"… and {chosen.count - len(shown):,} more")
    session.note(f"{chosen.words} would be {verb.done}." if chosen.count else "No job fits.")


def _line(session: Session, steered: Steered, verb: Verb) -> str:
    if steered.after is None:
        return f"{visible(steered.before.id)} {verb.done}"
    words = status_words(steered.after)
    return f"{visible(steered.after.id)} {session.paint().status(words, steered.after.status)}"
