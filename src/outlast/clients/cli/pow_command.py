"""`outlast pow`: a proof of work as a job."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.submitting import SubmitOptions, submit_and_report, submit_options
from outlast.pow import rules

if TYPE_CHECKING:
    from outlast.core.job import NewJob
    from outlast.pow.request import Request

_KEPT_SETTINGS = (
    "TARGET_DIFFICULTY_START",
    "DANGER",
    "CONSENSUS_API_URL",
    "OUTLAST_BROADCAST",
    "OUTLAST_POW_SEARCH",
)


@click.command(
    epilog=examples(
        "outlast pow struct_build_complete 5-12 --player 1-11 \\",
        "    --block-start 1000 --block-height 9000 --wait",
        "outlast pow planet_raid_complete 9-2 --target-id 2-7 --player 1-11 \\",
        "    --key raid:9-2",
        "outlast pow ore_miner_complete 5-3 --player 1-11 --simulate 0.001 --follow",
    )
)
@click.argument("action", type=click.Choice(list(rules.PREFIXES)), metavar="ACTION")
@click.argument("entity")
@click.option("--player", metavar="P", required=True, help="Whose proof it is.")
@click.option("--block-start", type=int, metavar="N", help="The block it began in (default: the block height).")
@click.option(
    "--difficulty", type=int, metavar="RANGE", default=rules.DEFAULT_RANGE, help="Range of the formula (14000)."
)
@click.option("--target-id", metavar="T", help="The planet of a raid.")
@click.option(
    "--max-iterations",
    type=int,
    metavar="M",
    default=rules.DEFAULT_MAX_ITERATIONS,
    help="Nonces that one difficulty may cost (1000000).",
)
@click.option("--block-height", type=int, metavar="H", help="A block height that stands still.")
@click.option("--simulate", type=float, metavar="SECONDS", help="A chain that is none: a block every SECONDS.")
@click.option("--processes", type=int, metavar="N", default=1, help="Search with N processes (1).")
@submit_options
@pass_session
def command(session: Session, /, options: SubmitOptions, **arguments: object) -> int:
    """Search a nonce whose hash begins with enough zeros; print the job's id.

    ACTION is struct_build_complete, planet_raid_complete, ore_miner_complete or ore_refinery_complete; ENTITY is
    what it is done to. The older the block it began in, the fewer zeros are needed: the job waits until the search
    is worth it. Heights come from DATABASE_URL, else CONSENSUS_API_URL, unless an option says otherwise.
    """
    return submit_and_report(session, _new_job(session, _request_of(arguments), options), options)


def _request_of(arguments: dict[str, object]) -> "Request":
    from outlast.pow.request import Request

    return Request(**arguments)  # type: ignore[arg-type]


def _new_job(session: Session, request: "Request", options: SubmitOptions) -> "NewJob":
    from outlast.client import new_job
    from outlast.core.codec import encode
    from outlast.functions import home_of_this_process, with_policy
    from outlast.pow.job import proof_of_work

    home = home_of_this_process(options.env)
    # The settings may stand in a file, which the job's process does not read.
    home = home._replace(env={**home.env, **{name: session.settings.texts[name] for name in _KEPT_SETTINGS}})
    spec = with_policy(proof_of_work, **options.rules()).spec(home)
    return new_job(spec, encode({"args": [], "kwargs": asdict(request)}, "arguments"), **options.submission())
