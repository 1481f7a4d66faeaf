"""`outlast pause`: jobs that wait until they are resumed."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import PAUSE, steer


@click.command(
    epilog=examples(
        "outlast pause 9f2c41d0",
        "outlast pause --match queue:mail --yes",
    )
)
@choice_options
@pass_session
def command(session: Session, choice: Choice) -> int:
    """Keep jobs from running until they are resumed.

    A running job is stopped at its last checkpoint and step; it goes on from there.
    """
    return steer(session, choice, PAUSE)
