"""`outlast follow`: a job while it runs."""

import click

from outlast.clients.cli.choosing import find, id_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.values import DURATION
from outlast.clients.cli.watching import follow_to_end


@click.command(epilog=examples("outlast follow 9f2c41d0", "outlast follow @last", "outlast follow KEY --json"))
@id_argument
@click.option("--timeout", type=DURATION, metavar="D", help="Follow at most D; the job goes on (exit 5).")
@pass_session
def command(session: Session, job_id: str, timeout: float | None) -> int:
    """Show a job's progress and log until it has ended.

    Exit 1 if it failed or was cancelled. With --json: the job object on a line whenever it has changed.
    """
    return follow_to_end(session, find(session, job_id).id, timeout, log_from_start=False)
