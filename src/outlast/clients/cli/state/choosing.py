"""Which job state, account, type and day a command means, and the question before something is taken away."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session
from outlast.core.errors import Refused, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from outlast.jobstate import Entry, JobState

MOST_SHOWN = 20


def state_options(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--dir` and `--cluster`; its callback gets the job state as `state`."""

    @functools.wraps(callback)
    def packed(*args: Any, dir: str | None, cluster: str | None, **kwargs: Any) -> Any:
        try:
            return callback(*args, state=open_state(dir, cluster), **kwargs)
        finally:
            _leave()

    for decorate in (
        click.option("--cluster", metavar="N", help="The cluster worker whose it is (OUTLAST_CLUSTER_WORKER)."),
        click.option("--dir", metavar="DIR", help="Where job state is (default: as configured)."),
    ):
        packed = decorate(packed)
    return packed


def _leave() -> None:
    """Do what job state does at the end of a program: this one ends without its exit handlers."""
    import sys

    if "outlast.jobstate.filebook" in sys.modules:
        from outlast.jobstate.filebook import leave

        leave()


def open_state(dir: str | None, cluster: str | None) -> "JobState":
    """Return the job state that is meant. Raise Refused if it is off."""
    from outlast.jobstate import JobState

    state = JobState(dir=dir, cluster=cluster, enabled=True if dir else None)
    if not state.enabled:
        raise Refused("Job state is off: jobState.enabled is false.", "Enable it, or name a directory with --dir.")
    return state


def complete_accounts(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the accounts that begin like this."""
    from click.shell_completion import CompletionItem

    found = open_state(ctx.params.get("dir"), ctx.params.get("cluster")).accounts()
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def complete_types(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the types of checklists of the account, if one was named, that begin like this."""
    from click.shell_completion import CompletionItem

    state = open_state(ctx.params.get("dir"), ctx.params.get("cluster"))
    account = ctx.params.get("account")
    found = sorted({entry.type for entry in state.history(account if isinstance(account, str) else None, since="8w")})
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


account_option = click.option("--account", metavar="A", help="Of one account.", shell_complete=complete_accounts)
type_option = click.option("--type", "type_name", metavar="T", help="Of one type.", shell_complete=complete_types)


def read_names(text: str, what: str) -> list[str]:
    """Return the names of a list: of the file of that name (a line each, or a JSON list), else between commas."""
    if os.path.isfile(text):
        return _names_of_file(text)
    if os.sep in text or text.endswith((".txt", ".json")):
        raise UsageError(f"There is no file {text!r:.120} with {what}.", "Name a file, or write a,b,c.")
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"{text!r:.80} names no {what}.", "Name a file, or write a,b,c.")
    return names


def _names_of_file(path: str) -> list[str]:
    from outlast.core.codec import decode

    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Write one name on each line.") from None
    if text.lstrip().startswith("["):
        names = decode(text, path)
        if not all(isinstance(name, str) for name in names):
            raise UsageError(f"{path} holds more than texts.", "Write a list of texts, or one name on each line.")
        return list(names)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def ask(session: Session, question: str, shown: Sequence["Entry"], *, asked: bool) -> None:
    """Ask a person before something is taken away. Raise Refused where nobody can answer, Exit after a no."""
    if asked:
        return
    if not session.can_ask:
        raise Refused(f"This would {question}.", "Add --yes to do it, or --dry-run to see what.")
    from outlast.clients.render.checklists import entry_table

    for line in entry_table(shown[:MOST_SHOWN], session.screen(on_stderr=True)):
        session.note(line)
    if len(shown) > MOST_SHOWN:
        session.note(f"… and {len(shown) - MOST_SHOWN:,} more")
    if not click.confirm(f"{question[0].upper()}{question[1:]}?", err=True):
        session.note("Nothing was done.")
        raise click.exceptions.Exit(0)


def count_of(counted: Sequence[object], one: str = "checklist", many: str = "checklists") -> str:
    """Return `1 checklist`, `12 checklists`."""
    return f"1 {one}" if len(counted) == 1 else f"{len(counted):,} {many}"
