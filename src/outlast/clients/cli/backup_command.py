"""`outlast backup`: a copy of the store."""

from pathlib import Path

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.render.text import visible


@click.command(epilog=examples("outlast backup /backups/jobs.db", "outlast backup ~/jobs-$(date +%F).db --json"))
@click.argument("file", type=click.Path(path_type=Path))
@pass_session
def command(session: Session, file: Path) -> None:
    """Copy the store to FILE while it is in use.

    The copy is of one moment, is checked, and takes the place of an earlier one only when it is whole. A supervisor
    keeps one in the data directory by itself (backup/jobs.db), at its start and every hour, for stores below 256 MB.
    """
    from outlast.upkeep.copies import back_up

    session.expect_store()
    done = back_up(session.settings, file)
    if session.json:
        session.print_json({"file": str(done.file), "bytes": done.size, "jobs": done.jobs})
    else:
        jobs = "1 job" if done.jobs == 1 else f"{done.jobs:,} jobs"
        session.print_lines([f"{visible(str(done.file))}: {jobs}, {done.size / 1e6:,.1f} MB"])
