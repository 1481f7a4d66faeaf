"""Shell completion of what lies in the store. main.py keeps it silent: in the middle of a line nothing else helps.

What is offered lands on the command line as it is, so names that a shell would read otherwise are not offered.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from outlast.core.job import Job

NEWEST = 50
"""So many jobs are looked at for ids and keys."""
NEWEST_FOR_QUERIES = 200
_HARMLESS = re.compile(r"[A-Za-z0-9_.:@/+=-]{1,200}\Z")
"""Neither a space nor anything that a shell expands, ends a word at, or (fish's script) a comma."""


def complete_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the newest jobs whose id, the random part of it, or key begins like this."""
    jobs = _newest(ctx, NEWEST)
    taken = set(ctx.params.get("ids") or ())
    return [item for job in jobs if job.id not in taken and (item := _item(job, incomplete)) is not None]


def _newest(ctx: click.Context, limit: int) -> "list[Job]":
    from outlast.core.query import Query

    session = ctx.ensure_object(Session)
    return session.service().page(Query(), limit=limit).jobs if session.has_store() else []


def _item(job: "Job", incomplete: str) -> "CompletionItem | None":
    from click.shell_completion import CompletionItem

    from outlast.clients.render.words import short_id, status_words

    value = job.id
    if incomplete and not job.id.startswith(incomplete):
        names = (short_id(job.id), job.key or "")
        value = next((name for name in names if name.startswith(incomplete)), "")
    return CompletionItem(value, help=f"{job.kind} {status_words(job)}") if _HARMLESS.match(value) else None


def complete_schedules(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the schedules whose name begins like this."""
    from click.shell_completion import CompletionItem

    session = ctx.ensure_object(Session)
    if not session.has_store():
        return []
    taken = set(ctx.params.get("names") or ())
    known = [found.schedule for found, _ in session.service().schedules()]
    return [
        CompletionItem(schedule.name, help=f"{schedule.spec.kind} {schedule.timetable.rule}")
        for schedule in known
        if schedule.name.startswith(incomplete) and schedule.name not in taken
    ]


def complete_query(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the fields of a query, and after `status:`, `kind:` and the others what there is.

    Of a query in quotes the last term is completed.
    """
    from click.shell_completion import CompletionItem

    before, space, term = incomplete.rpartition(" ")
    minus = "-" if term.startswith("-") else ""
    field, colon, value = term.removeprefix("-").partition(":")
    if colon:
        offers = [f"{field}:{word}" for word in _values(ctx, field) if word.startswith(value)]
    else:
        offers = [f"{name}:" for name in _fields(ctx) if name.startswith(field)]
    return [CompletionItem(f"{before}{space}{minus}{offer}") for offer in offers if _HARMLESS.match(offer)]


def _fields(ctx: click.Context) -> list[str]:
    from outlast.core.query import KNOWN_FIELDS

    labels = _each(name for job in _newest(ctx, NEWEST_FOR_QUERIES) for name in job.labels)
    return [name for name in KNOWN_FIELDS.split() if name != "label.NAME"] + [f"label.{name}" for name in labels]


def _values(ctx: click.Context, field: str) -> list[str]:
    from outlast.core.status import Reason, Status

    if field in ("status", "reason"):
        return list(Status if field == "status" else Reason)
    if field == "kind":
        session = ctx.ensure_object(Session)
        return sorted(session.service().stats().by_kind) if session.has_store() else []
    of: Callable[[Job], str | None] | None = _OF_JOB.get(field)
    if field.startswith("label."):
        of = lambda job: job.labels.get(field.removeprefix("label."))  # noqa: E731 - one of a table of such
    return _each(of(job) for job in _newest(ctx, NEWEST_FOR_QUERIES)) if of is not None else []


_OF_JOB: "Mapping[str, Callable[[Job], str | None]]" = {
    "account": lambda job: job.account,
    "key": lambda job: job.key,
    "queue": lambda job: job.queue,
}


def _each(words: Iterable[str | None]) -> list[str]:
    return sorted({word for word in words if word})


def complete_groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the groups of failures whose code begins like this."""
    from click.shell_completion import CompletionItem

    session = ctx.ensure_object(Session)
    if not session.has_store():
        return []
    groups = session.service().lookout.failures(None, NEWEST).groups
    return [CompletionItem(group.code, help=group.group) for group in groups if group.code.startswith(incomplete)]
