"""`outlast remove`: finished jobs and their logs go away."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import REMOVE, steer


@click.command(
    epilog=examples(
        "outlast remove 9f2c41d0",
        "outlast remove --match 'status:failed age:>7d' --dry-run",
    )
)
@choice_options
@pass_session
def command(session: Session, choice: Choice) -> int:
    """Remove finished jobs and their logs.

    An unfinished job is refused: cancel it first.
    """
    return steer(session, choice, REMOVE)
