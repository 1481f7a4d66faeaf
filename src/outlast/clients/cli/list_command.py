"""`outlast list`: the newest jobs."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.completing import complete_query
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.core.query import KNOWN_FIELDS, Query, parse_query
from outlast.core.view import job_object

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

RECENT_SECONDS = 3600.0
_NEGATED = re.compile(r"-(label\.[^:]+|[a-z]+):", re.DOTALL)


class QueryCommand(click.Command):
    """A command whose query may hold `-kind:ping`, which is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        terms = [arg for arg in args[:end] if _is_term(arg)]
        options = [arg for arg in args[:end] if not _is_term(arg)]
        return super().parse_args(ctx, [*options, "--", *terms, *args[end + 1 :]] if terms else args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        found = super().shell_complete(ctx, incomplete)
        is_term = incomplete.startswith("-") and not incomplete.startswith("--") and len(incomplete) > 1
        return [*found, *(complete_query(ctx, self.params[0], incomplete) if is_term else [])]


def _is_term(arg: str) -> bool:
    match = _NEGATED.match(arg)
    return match is not None and (match[1] in KNOWN_FIELDS.split() or match[1].startswith("label."))


@click.command(
    cls=QueryCommand,
    epilog=examples(
        "outlast list",
        "outlast list status:failed 'age:<1d'",
        "outlast list account:alice -kind:ping --limit 10",
        "outlast list -a --json",
    ),
)
@click.argument("query", nargs=-1, shell_complete=complete_query)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, metavar="N", help="At most N jobs (50).")
@click.option("--cursor", metavar="C", help="Go on where the page before ended.")
@click.option("-a", "--all", "everything", is_flag=True, help="Also what ended more than an hour ago.")
@pass_session
def command(session: Session, query: Sequence[str], limit: int, cursor: str | None, everything: bool) -> None:
    """List jobs, the newest first.

    On a terminal and without a QUERY: the unfinished ones and those of the last hour. QUERY: status: kind: key:
    account: label.NAME: error: reason: queue: age:<1d and words; a field twice means or, - in front means not.
    """
    wanted = parse_query(" ".join(query))
    narrowed = session.on_terminal and not session.json and not everything and not query
    if narrowed:
        wanted = wanted._replace(unfinished_or_since_seconds=RECENT_SECONDS)
    if not session.has_store():
        _show_nothing(session)
        return
    page = session.service().page(wanted, cursor=cursor, limit=limit)
    if session.json:
        session.print_json({"jobs": [job_object(job) for job in page.jobs], "next_cursor": page.next_cursor})
        return
    if page.jobs:
        from outlast.clients.render.jobs import job_list

        session.print_lines(job_list(page.jobs, session.screen()))
    else:
        session.note("No jobs." if wanted == Query() else _nothing_fits(narrowed))
    if page.next_cursor:
        session.note(f"More: --cursor {page.next_cursor}")


def _nothing_fits(narrowed: bool) -> str:
    return "Nothing is unfinished or from the last hour; outlast list -a shows all." if narrowed else "No job fits."


def _show_nothing(session: Session) -> None:
    if session.json:
        session.print_json({"jobs": [], "next_cursor": None})
    else:
        session.note(f"There are no jobs in {session.place} yet.")
