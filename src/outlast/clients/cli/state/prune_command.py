"""`outlast state prune`: old checklists go away."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import ask, count_of, state_options

if TYPE_CHECKING:
    from outlast.jobstate import JobState


@click.command(
    epilog=examples("outlast state prune --older-than 7d --dry-run", "outlast state prune --older-than 8w --yes")
)
@click.option("--older-than", required=True, metavar="D", help="Of days before that (7d, 8w), or before a date.")
@click.option("--dry-run", is_flag=True, help="Only show what there is.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@state_options
@pass_session
def command(session: Session, state: "JobState", older_than: str, dry_run: bool, yes: bool) -> None:
    """Remove the checklists of old days.

    Journals whose JSON is gone, and files that were set aside, go too. A checklist that is in use stays.
    """
    found = state.prune(older_than, dry_run=True)
    if not dry_run:
        if found:
            ask(session, f"remove {count_of(found)}", found, asked=yes)
        found = state.prune(older_than)
    if session.json:
        session.print_json({"removed": [] if dry_run else [e.as_json() for e in found], "found": len(found)})
        return
    if dry_run:
        from outlast.clients.render.checklists import entry_table

        session.print_lines(entry_table(found, session.screen()) if found else [])
    session.print_lines([f"{count_of(found)} {'would be removed' if dry_run else 'removed'}"])
