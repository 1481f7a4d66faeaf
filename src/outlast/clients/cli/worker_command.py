"""`outlast worker`: the supervisor in the foreground."""

import logging
import sys
from typing import Any

import click

from outlast.clients.cli.session import Session, examples, pass_session

DRAIN_SECONDS = 0.2
"""How long there must have been nothing to do before `--drain` leaves."""


@click.command(
    epilog=examples(
        "outlast worker",
        "outlast worker -c 4 --app jobs.py",
        "outlast worker --drain && echo all jobs have ended",
        "outlast worker --queue mail --drain",
    )
)
@click.option("-c", "--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="Jobs at the same time.")
@click.option("--queue", "queues", multiple=True, metavar="Q", help="Only jobs of this queue; may be repeated.")
@click.option("--app", metavar="FILE|MODULE", help="Check first that its jobs can be imported (OUTLAST_APP).")
@click.option("--drain", is_flag=True, help="Leave when nothing is left to do, in those queues.")
@pass_session
def command(session: Session, concurrency: int | None, queues: tuple[str, ...], app: str | None, drain: bool) -> None:
    """Run the jobs in the foreground, until Ctrl-C.

    Running jobs then stop at their last checkpoint and go on at the next start. One worker, or the supervisor that
    the first submit starts, works on a store at a time. Each job brings along where its code is: --app only tells
    at once, and not job by job, that code cannot be imported.
    """
    from outlast.app import supervise

    if app := app or session.settings["OUTLAST_APP"]:
        _check(session, app)
    duty: dict[str, Any] = {"idle_seconds": DRAIN_SECONDS if drain else None, "queues": queues}
    if concurrency is not None:
        duty["concurrency"] = concurrency
    settings = session.settings
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S", level=logging.INFO
    )
    session.note(f"Running the jobs of {settings.data_dir}, {concurrency or settings.concurrency} at a time.")
    supervise(settings, **duty)


def _check(session: Session, app: str) -> None:
    """Say which jobs an app offers. Raise UsageError if it cannot be imported."""
    from outlast.apps import jobs_of

    session.note(f"{app} offers {', '.join(job.kind for job in jobs_of(app))}.")
