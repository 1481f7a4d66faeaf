"""`outlast wait`: until jobs have ended."""

from collections.abc import Sequence

import click

from outlast.clients.cli.choosing import find_all, ids_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.values import DURATION
from outlast.clients.cli.watching import wait_to_end


@click.command(epilog=examples("outlast wait 9f2c41d0", "outlast wait 9f2c41d0 77ab03ce --timeout 10m"))
@ids_argument
@click.option("--timeout", type=DURATION, metavar="D", help="Wait at most D; the jobs go on (exit 5).")
@pass_session
def command(session: Session, ids: Sequence[str], timeout: float | None) -> int:
    """Wait until jobs have ended.

    Exit 1 if one failed or was cancelled. With --json: the job object; of several jobs {"jobs": [...]}.
    """
    return wait_to_end(session, [job.id for job in find_all(session, ids)], timeout)
