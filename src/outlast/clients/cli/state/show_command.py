"""`outlast state show`: the activities of an account on a day."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import complete_accounts, complete_types, state_options
from outlast.core.errors import NotFound

if TYPE_CHECKING:
    from outlast.jobstate import Entry, JobState


@click.command(
    epilog=examples(
        "outlast state show user@email.com",
        "outlast state show user@email.com daily-set --date 2025-09-20",
        "outlast state show user@email.com daily-set --json",
    )
)
@click.argument("account", shell_complete=complete_accounts)
@click.argument("type_name", metavar="[TYPE]", required=False, shell_complete=complete_types)
@click.option("--date", metavar="DATE", help="The day (default: the newest that there is).")
@state_options
@pass_session
def command(session: Session, state: "JobState", account: str, type_name: str | None, date: str | None) -> None:
    """Show an account's activities: what came of each, and when."""
    entries = _found(state, account, type_name, date)
    if session.json:
        session.print_json({"checklists": [{**each.as_json(), "activities": _activities(each)} for each in entries]})
        return
    from outlast.clients.render.checklists import entry_screen

    for number, entry in enumerate(entries):
        session.print_lines([*([""] if number else []), *entry_screen(entry, session.screen())])


def _found(state: "JobState", account: str, type_name: str | None, date: str | None) -> "list[Entry]":
    from outlast.jobstate.days import date_of

    day = None if date is None else date_of(date)
    entries = state.history(account, type_name, day)
    newest = (entries[0].date if entries else None) if day is None else day
    entries = [entry for entry in entries if entry.date == newest]
    if not entries:
        what = " ".join(filter(None, (account, type_name, day)))
        raise NotFound(f"There is no checklist {what!r:.200}.", "outlast state list shows what there is.")
    return entries


def _activities(entry: "Entry") -> list[dict[str, object]]:
    from outlast.jobstate.history import activities_of

    return [each.as_json() for each in activities_of(entry)]
