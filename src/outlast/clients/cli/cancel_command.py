"""`outlast cancel`: the end of jobs."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import CANCEL, steer


@click.command(
    epilog=examples(
        "outlast cancel 9f2c41d0",
        "outlast cancel --match 'kind:mirror status:running' --dry-run",
        "outlast cancel --match account:alice --yes",
    )
)
@choice_options
@pass_session
def command(session: Session, choice: Choice) -> int:
    """End jobs.

    A running job is asked to stop and killed if it does not (OUTLAST_GRACE); it is cancelled once its process is
    proven dead: outlast wait ID. A finished job stays as it is.
    """
    return steer(session, choice, CANCEL)
