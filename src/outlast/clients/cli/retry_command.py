"""`outlast retry`: failed and cancelled jobs run again."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.choosing import Choice, choice_options, find_all
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.steering import RETRY, steer
from outlast.core.errors import Conflict, UsageError
from outlast.core.status import Reason
from outlast.core.view import job_object

if TYPE_CHECKING:
    from outlast.core.job import Job


@click.command(
    epilog=examples(
        "outlast retry 9f2c41d0",
        "outlast retry --match 'status:failed error:Timeout' --yes",
        "outlast retry 9f2c41d0 --broadcast",
    )
)
@click.option("--broadcast", is_flag=True, help="Send a proof once more whose broadcast is unknown.")
@choice_options
@pass_session
def command(session: Session, choice: Choice, broadcast: bool) -> int:
    """Run failed or cancelled jobs again.

    They keep their id, their finished steps and their cursor. All that failed alike: outlast failures --retry GROUP.
    """
    return _send_again(session, choice) if broadcast else steer(session, choice, RETRY)


def _send_again(session: Session, choice: Choice) -> int:
    """Let searches send their proofs once more; each was named by a person, who looked at the chain."""
    from outlast.pow.delivery import send_again

    if choice.match is not None:
        raise UsageError("--broadcast does not go with --match.", "Name the jobs whose proofs did not arrive.")
    service = session.service()
    for job in _unknown(find_all(session, choice.ids)):
        after = service.retry(job, cursor=send_again(service.details(job).cursor or "{}"))
        if session.json:
            session.print_json(job_object(after))
        else:
            session.print_lines([f"{after.id} sends its proof again"])
    return 0


def _unknown(jobs: list["Job"]) -> list["Job"]:
    for job in jobs:
        if job.reason is not Reason.BROADCAST_UNKNOWN:
            raise Conflict(f"{job.id} has not failed with broadcast_unknown.", "Leave --broadcast out.")
    return jobs
