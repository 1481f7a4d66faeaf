"""`outlast state export`: checklists as JSON lines, or as files in another directory."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import account_option, count_of, state_options, type_option

if TYPE_CHECKING:
    from outlast.jobstate import JobState


@click.command(
    epilog=examples(
        "outlast state export > checklists.jsonl",
        "outlast state export backup/job-state --account user@email.com",
    )
)
@click.argument("target", metavar="[DIR]", required=False)
@account_option
@type_option
@click.option("--since", metavar="D", help="From so long ago (8w, 30d), or from a date (default: all).")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@state_options
@pass_session
def command(session: Session, /, state: "JobState", target: str | None, dry_run: bool, **chosen: str | None) -> None:
    """Write checklists to stdout as JSON lines, or as files to DIR.

    DIR then looks like a directory of job state, and state import takes it over.
    """
    entries = state.history(chosen["account"], chosen["type_name"], chosen["since"])
    if dry_run and session.json:
        session.print_json({"found": len(entries)})
    elif dry_run:
        session.print_lines([f"{count_of(entries)} would be written"])
    elif target is None:
        for entry in entries:
            session.print_json(entry.as_json(), stream=True)
    else:
        from outlast.jobstate.transfer import write_to

        paths = write_to(target, entries)
        if session.json:
            session.print_json({"written": paths})
        else:
            session.print_lines([f"{count_of(paths)} written to {target}"])
