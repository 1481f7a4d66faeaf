"""`outlast retry`: failed and cancelled jobs run again."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import RETRY, steer


@click.command(
    epilog=examples(
        "outlast retry 9f2c41d0",
        "outlast retry --match 'status:failed error:Timeout' --yes",
    )
)
@choice_options
@pass_session
def command(session: Session, choice: Choice) -> int:
    """Run failed or cancelled jobs again.

    They keep their id, their finished steps and their cursor. All that failed alike: outlast failures --retry GROUP.
    """
    return steer(session, choice, RETRY)
