"""`outlast retry`: failed and cancelled jobs run again."""

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import Verb, steer
from outlast.core.status import Status


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

    They keep their id and their finished steps.
    """
    return steer(session, choice, VERB)


VERB = Verb(
    word="retry",
    done="retried",
    fits=lambda job: job.status in (Status.FAILED, Status.CANCELLED),
    act=lambda service, job: service.retry(job),
)
