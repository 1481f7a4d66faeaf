"""`outlast retry`: failed and cancelled jobs run again."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.choosing import Choice, choice_options
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import Verb, steer
from outlast.core.errors import Conflict
from outlast.core.status import Reason, Status

if TYPE_CHECKING:
    from outlast.core.job import Job
    from outlast.service import Service


@click.command(
    epilog=examples(
        "outlast retry 9f2c41d0",
        "outlast retry --match 'status:failed error:Timeout' --yes",
    )
)
@click.option("--broadcast", is_flag=True, help="Send a proof once more whose broadcast is unknown.")
@choice_options
@pass_session
def command(session: Session, choice: Choice, broadcast: bool) -> int:
    """Run failed or cancelled jobs again.

    They keep their id and their finished steps.
    """
    return steer(session, choice, SEND_AGAIN if broadcast else VERB)


def _send_again(service: "Service", job: "Job") -> "Job":
    from outlast.pow.delivery import send_again

    if not _is_unknown(job):
        raise Conflict(f"{job.id} is not failed (broadcast_unknown).", "Leave --broadcast out.")
    return service.retry(job, cursor=send_again(service.details(job).cursor or "{}"))


def _is_unknown(job: "Job") -> bool:
    return job.status is Status.FAILED and job.reason is Reason.BROADCAST_UNKNOWN


VERB = Verb(
    word="retry",
    done="retried",
    fits=lambda job: job.status in (Status.FAILED, Status.CANCELLED),
    act=lambda service, job: service.retry(job),
)
SEND_AGAIN = Verb(word="retry", done="retried", fits=_is_unknown, act=_send_again)
