"""`outlast follow`: jobs while they run."""

from collections.abc import Sequence

import click

from outlast.clients.cli.choosing import find_all, ids_argument
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.values import DURATION


@click.command(
    epilog=examples(
        "outlast follow 9f2c41d0",
        "outlast follow @last",
        "outlast follow 9f2c41d0 77ab03ce --timeout 10m",
        "outlast follow KEY --json",
    )
)
@ids_argument
@click.option("--timeout", type=DURATION, metavar="D", help="Follow at most D; the jobs go on (exit 5).")
@pass_session
def command(session: Session, ids: Sequence[str], timeout: float | None) -> int:
    """Show progress and log until jobs have ended.

    Deaths and further tries are told as they happen. Ctrl-C leaves; the jobs go on. Exit 1 if one failed or was
    cancelled. With --json: the job object on a line whenever it has changed.
    """
    from outlast.clients.cli.following import follow_to_end

    return follow_to_end(session, [job.id for job in find_all(session, ids)], timeout, log_from_start=False)
