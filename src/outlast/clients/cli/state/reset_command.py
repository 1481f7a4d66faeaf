"""`outlast state reset`: a checklist begins anew, or one activity is undone."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import ask, complete_accounts, complete_types, count_of, state_options
from outlast.clients.render.text import visible
from outlast.core.errors import NotFound

if TYPE_CHECKING:
    from outlast.jobstate import Entry, JobState


@click.command(
    epilog=examples(
        "outlast state reset --account user@email.com --type daily-set",
        "outlast state reset --account user@email.com --type daily-set \\",
        "    --date 2025-09-20 --activity quiz-1 --yes",
    )
)
@click.option("--account", metavar="A", required=True, help="Whose checklist.", shell_complete=complete_accounts)
@click.option("--type", "type_name", metavar="T", required=True, help="Of which type.", shell_complete=complete_types)
@click.option("--date", metavar="DATE", help="Of which day (today).")
@click.option("--activity", metavar="N", help="Undo this activity only.")
@click.option("--dry-run", is_flag=True, help="Only show what there is.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@state_options
@pass_session
def command(
    session: Session,
    /,
    state: "JobState",
    dry_run: bool,
    yes: bool,
    **named: str | None,
) -> None:
    """Let a checklist begin anew, or undo one activity.

    To delete the JSON does the same. The journal is kept aside until state prune removes it.
    """
    entry = _found(state, named)
    activity = named["activity"]
    if not dry_run:
        done = count_of(entry.completed, "completed activity", "completed activities")
        words = f"undo {activity!r}" if activity is not None else f"forget {done}"
        ask(session, words, [entry], asked=yes)
        if not state.reset(entry.account, entry.type, entry.date, activity):
            raise NotFound(f"{activity!r:.120} was neither completed, skipped nor failed.", "outlast state show tells.")
    if session.json:
        session.print_json({"reset": [] if dry_run else [entry.as_json()], "found": entry.as_json()})
        return
    from outlast.clients.render.checklists import entry_table

    if dry_run:
        session.print_lines(entry_table([entry], session.screen()))
    word = "would be reset" if dry_run else "reset"
    what = "" if activity is None else f": {visible(activity)}"
    session.print_lines([f"{visible(entry.account)} {visible(entry.type)} {entry.date} {word}{what}"])


def _found(state: "JobState", named: dict[str, str | None]) -> "Entry":
    from outlast.jobstate.days import date_of
    from outlast.jobstate.reading import read_entry
    from outlast.jobstate.view import Title

    day = state.today() if named["date"] is None else date_of(named["date"])
    title = Title(named["account"] or "", named["type_name"] or "", day)
    entry = read_entry(state.places.json(title))
    if entry is None:
        raise NotFound(f"There is no checklist {str(title)!r:.200}.", "outlast state list shows what there is.")
    return entry
