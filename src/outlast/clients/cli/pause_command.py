"""`outlast pause`: jobs that wait until they are resumed."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import Verb, steer
from outlast.core.job import Job
from outlast.core.status import Reason


def _fits(job: Job) -> bool:
    return not job.status.is_end and job.reason is not Reason.PAUSED


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
    return steer(session, choice, VERB)


VERB = Verb(word="pause", done="paused", fits=_fits, act=lambda service, job: service.pause(job))
