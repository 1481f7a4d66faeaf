"""`outlast state list`: the checklists of the last days."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import account_option, state_options, type_option

if TYPE_CHECKING:
    from outlast.jobstate import JobState


@click.command(
    epilog=examples(
        "outlast state list",
        "outlast state list --account user@email.com --since 8w",
        "outlast state list --type daily-set --json",
    )
)
@account_option
@type_option
@click.option("--since", default="7d", metavar="D", help="From so long ago (8w, 30d), or from a date (7d).")
@state_options
@pass_session
def command(session: Session, state: "JobState", account: str | None, type_name: str | None, since: str) -> None:
    """List checklists, the newest day first."""
    entries = state.history(account, type_name, since)
    if session.json:
        session.print_json({"checklists": [entry.as_json() for entry in entries]})
        return
    if not entries:
        session.note(f"There are no checklists in {state.places.root} since {since}; --since names an earlier day.")
        return
    from outlast.clients.render.checklists import entry_table

    session.print_lines(entry_table(entries, session.screen()))
