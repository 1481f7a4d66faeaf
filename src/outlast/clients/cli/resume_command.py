"""`outlast resume`: paused jobs go on."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import RESUME, steer


@click.command(
    epilog=examples(
        "outlast resume 9f2c41d0",
        "outlast resume --match queue:mail --yes",
    )
)
@choice_options
@pass_session
def command(session: Session, choice: Choice) -> int:
    """Let paused jobs run again.

    They go on from their last checkpoint and step, but not before the time they waited for.
    """
    return steer(session, choice, RESUME)
