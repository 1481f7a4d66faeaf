"""`outlast state import`: checklists of another directory."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import count_of, state_options

if TYPE_CHECKING:
    from outlast.jobstate import JobState


@click.command(epilog=examples("outlast state import old/job-state --dry-run", "outlast state import backup/job-state"))
@click.argument("source", metavar="DIR")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@state_options
@pass_session
def command(session: Session, state: "JobState", source: str, dry_run: bool) -> None:
    """Take over the checklists of another directory.

    For example a backup, or what the old system left, which is believed as it stands.
    What is completed there or here is completed afterwards; nothing is removed.
    """
    from outlast.jobstate.transfer import found_in, take_over

    found = found_in(source)
    changed = take_over(state, found, dry_run=dry_run)
    if session.json:
        session.print_json({"found": len(found), "changed": [entry.as_json() for entry in changed], "dry_run": dry_run})
        return
    if dry_run and changed:
        from outlast.clients.render.checklists import entry_table

        session.print_lines(entry_table(changed, session.screen()))
    word = "would be taken over" if dry_run else "taken over"
    session.print_lines([f"{count_of(changed)} of {len(found):,} {word}"])
