"""`outlast run`: a shell command as a job."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.submitting import SubmitOptions, submit_and_report, submit_options

if TYPE_CHECKING:
    from outlast.core.job import NewJob


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "outlast run -- make all",
        "outlast run --follow --key backup:2025-09-20 -- rsync -a src/ dst/",
        "outlast run --on-interrupt resume -- ./import.sh",
    ),
)
@click.argument("argv", metavar="-- CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
@submit_options
@pass_session
def command(session: Session, argv: Sequence[str], options: SubmitOptions) -> int:
    """Run a shell command as a job; print its id.

    CMD finds OUTLAST_JOB_ID, and OUTLAST_CURSOR_FILE: a JSON file (at most 1 MB) that it may replace to remember
    how far it is, and finds again when it resumes. An interrupted command fails, unless --on-interrupt resume.
    """
    return submit_and_report(session, _new_job(session, argv, options), options)


def _new_job(session: Session, argv: Sequence[str], options: SubmitOptions) -> "NewJob":
    from outlast.client import new_job
    from outlast.core.codec import encode
    from outlast.functions import home_of_this_process
    from outlast.targets import command_call, command_spec

    spec = command_spec(home_of_this_process(options.env), options.rules())
    call = command_call(argv, str(session.service().places.run))
    return new_job(spec, encode(call, "command"), **options.submission())
