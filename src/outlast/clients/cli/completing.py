"""Shell completion of what lies in the store. main.py keeps it silent: in the middle of a line nothing else helps."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from outlast.core.job import Job

NEWEST = 50


def complete_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the newest jobs whose id, or the random part of it, begins like this."""
    from outlast.core.query import Query

    session = ctx.ensure_object(Session)
    if not session.has_store():
        return []
    jobs = session.service().page(Query(), limit=NEWEST).jobs
    taken = set(ctx.params.get("ids") or ())
    return [item for job in jobs if job.id not in taken and (item := _item(job, incomplete)) is not None]


def _item(job: "Job", incomplete: str) -> "CompletionItem | None":
    from click.shell_completion import CompletionItem

    from outlast.clients.render.words import short_id, status_words

    short = short_id(job.id)
    value = job.id if job.id.startswith(incomplete) else short if incomplete and short.startswith(incomplete) else None
    return None if value is None else CompletionItem(value, help=f"{job.kind} {status_words(job)}")


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
    """Return the fields of a query, and after `status:` or `kind:` what there is."""
    from click.shell_completion import CompletionItem

    field, value, offered = _split(ctx, incomplete)
    if not field:
        return [CompletionItem(f"{name}:") for name in ("status", "kind") if f"{name}:".startswith(incomplete)]
    return [CompletionItem(f"{offered}{word}") for word in _words(ctx, field) if word.startswith(value)]


def _split(ctx: click.Context, incomplete: str) -> tuple[str, str, str]:
    """Return field, what was typed of its value, and what an offer begins with.

    bash takes the colon for the end of a word: it has the field in the words before, and wants the value alone.
    """
    if os.environ.get("_OUTLAST_COMPLETE", "").startswith("bash"):
        before = [*(ctx.params.get("query") or ()), *([":"] if incomplete == ":" else [])]
        if len(before) >= 2 and before[-1] == ":":
            return str(before[-2]), "" if incomplete == ":" else incomplete, ""
        return "", "", ""
    field, colon, value = incomplete.partition(":")
    return (field, value, f"{field}:") if colon else ("", "", "")


def _words(ctx: click.Context, field: str) -> Sequence[str]:
    if field in ("status", "-status"):
        from outlast.core.status import Status

        return list(Status)
    session = ctx.ensure_object(Session)
    if field in ("kind", "-kind") and session.has_store():
        return sorted(session.service().stats().by_kind)
    return []
