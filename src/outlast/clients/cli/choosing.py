"""Which jobs a person means: ids, `@last`, or `--match QUERY`."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.completing import complete_ids, complete_query
from outlast.clients.cli.session import Session
from outlast.core.errors import NotFound, Refused, UsageError

if TYPE_CHECKING:
    from outlast.core.job import Job

LAST = "@last"

id_argument = click.argument("job_id", metavar="ID", shell_complete=complete_ids)
ids_argument = click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The jobs that were named: by ids, or by a query with what is to be asked first."""

    ids: Sequence[str]
    match: str | None
    dry_run: bool
    yes: bool

    def check(self) -> None:
        """Raise UsageError unless it is either ids or a query."""
        if bool(self.ids) == (self.match is not None):
            raise UsageError("Name jobs by their ids, or by --match QUERY.", "Give one of the two.")
        if self.match is None and (self.dry_run or self.yes):
            raise UsageError("--dry-run and --yes belong to --match.", "Leave them out, or use --match QUERY.")


def choice_options(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `ID...` and `--match`; its callback gets them as `choice`."""

    @functools.wraps(callback)
    def packed(*args: Any, ids: Sequence[str], match: str | None, dry_run: bool, yes: bool, **kwargs: Any) -> Any:
        choice = Choice(ids=ids, match=match, dry_run=dry_run, yes=yes)
        choice.check()
        return callback(*args, choice=choice, **kwargs)

    for decorate in (
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Only show what --match finds."),
        click.option(
            "--match",
            metavar="QUERY",
            shell_complete=complete_query,
            help="Every job that the query finds, e.g. kind:mirror.",
        ),
        click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=complete_ids),
    ):
        packed = decorate(packed)
    return packed


def find(session: Session, text: str) -> "Job":
    """Return the job a person means by `text`. Raise NotFound, UsageError."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotFound(f"There is no job {text!r:.120}.", "outlast list -a shows what there is.") from None
    return session.existing().find(text)


def find_all(session: Session, texts: Sequence[str]) -> list["Job"]:
    """Return the jobs of `texts`, each once. Raise NotFound or UsageError if one cannot be found."""
    return list({job.id: job for job in (find(session, text) for text in texts)}.values())


def refuse_last(session: Session, texts: Sequence[str]) -> None:
    """Raise Refused for `@last` without a person: a script must name what it ends or removes."""
    if LAST in texts and not session.can_ask:
        raise Refused(f"{LAST} is only for a terminal here.", "Name the job by its id.")
