"""`outlast state run`: a function for every activity of many accounts."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import complete_types, read_names, state_options
from outlast.clients.cli.values import DURATION
from outlast.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from outlast.jobstate import JobState
    from outlast.jobstate.runner import Order, RunReport


@click.command(
    epilog=examples(
        "outlast state run daily.py:do --accounts accounts.txt --type daily-set \\",
        "    --activities check-in,quiz-1,poll-1",
        "outlast state run app.daily:do --accounts a@example.org,b@example.org \\",
        "    --type daily-set --activities activities.txt --only failed -c 4",
    )
)
@click.argument("target")
@click.option("--accounts", metavar="FILE|A,B", help="Whose: a file with a line for each, or names.")
@click.option("--account", metavar="A", multiple=True, help="Only this one; may be repeated.")
@click.option("--type", "type_name", metavar="T", required=True, help="Of which type.", shell_complete=complete_types)
@click.option("--activities", metavar="FILE|X,Y", required=True, help="What: a file, or names.")
@click.option("--date", metavar="DATE", help="Of which day (today).")
@click.option(
    "--only", type=click.Choice(["remaining", "failed"]), default="remaining", help="failed: what failed before."
)
@click.option("-c", "--concurrency", type=click.IntRange(1, 1000), metavar="N", help="Accounts at once (the cores).")
@click.option("--timeout", type=DURATION, metavar="D", help="An activity that takes longer fails.")
@state_options
@pass_session
def command(session: Session, /, state: "JobState", target: str, **options: object) -> int:
    """Do what remains of many accounts, each in its own process.

    TARGET is called for each activity that remains. It is a function (account, activity): module:function or
    path/file.py:function. What it raises is noted, and the activity remains. A process that crashes or hangs stops no
    other account. Exit 1 if anything failed or is left.
    """
    from outlast.clients.cli.state.running import shower
    from outlast.jobstate.runner import Run

    order = _order(session, state, target, options)
    with shower(session, len(order.accounts), len(order.activities)) as show:
        run = Run(state, order, show)
        try:
            report = run.go()
        except KeyboardInterrupt:
            _tell(session, run.report())
            raise
    _tell(session, report)
    return 0 if report.ok else 1


def _order(session: Session, state: "JobState", target: str, options: dict[str, object]) -> "Order":
    from outlast.jobstate.runner import make_order

    _put_here_first()
    chosen = {name: options[name] for name in ("date", "only", "concurrency", "timeout")}
    chosen["concurrency"] = chosen["concurrency"] or session.settings.concurrency
    order = make_order(
        state,
        target,
        accounts=_accounts(options["accounts"], options["account"]),
        type=str(options["type_name"]),
        activities=read_names(str(options["activities"]), "activities"),
        **chosen,  # type: ignore[arg-type]
    )
    return replace(order, grace_seconds=session.settings.grace_seconds)


def _accounts(listed: object, only: object) -> list[str]:
    chosen = list(only) if isinstance(only, tuple) else []
    if listed is None:
        if not chosen:
            raise UsageError("Whose activities?", "Name accounts with --accounts FILE or --accounts a,b.")
        return chosen
    accounts = read_names(str(listed), "accounts")
    if unknown := [name for name in chosen if name not in accounts]:
        raise NotFound(f"{unknown[0]!r:.120} is none of the accounts.", f"Look into {listed}.")
    return chosen or accounts


def _put_here_first() -> None:
    """Let modules of the current directory be found, as with python -m."""
    import sys

    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def _tell(session: Session, report: "RunReport") -> None:
    if session.json:
        session.print_json(report.as_json())
        return
    from outlast.clients.render.runs import run_screen

    session.print_lines(run_screen(report, session.screen()))
