"""`outlast state report`: rates, failures, durations and what hangs, over the weeks."""

import os
from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.state.choosing import account_option, state_options
from outlast.clients.cli.values import DURATION
from outlast.core.errors import Refused

if TYPE_CHECKING:
    from outlast.jobstate import JobState
    from outlast.jobstate.report import Report


@click.command(
    epilog=examples(
        "outlast state report",
        "outlast state report --since 4w --account user@email.com",
        "outlast state report --html report.html",
        "outlast state report --json",
    )
)
@click.option("--since", default="8w", metavar="D", help="From so long ago (8w, 30d), or from a date (8w).")
@account_option
@click.option("--silent", type=DURATION, default="10m", metavar="D", help="Without a word for D it hangs (10m).")
@click.option("--html", metavar="FILE", help="Write a page with charts to FILE; - is stdout.")
@state_options
@pass_session
def command(
    session: Session, state: "JobState", since: str, account: str | None, silent: float, html: str | None
) -> None:
    """Report what was done, what fails, what takes long, what hangs.

    Rates for each account and day, failures and durations for each activity, and what is being done for too long:
    longer than 99 of 100 times before, or without a word for a while.
    """
    report = state.report(since, account, silent_minutes=silent / 60)
    if html is not None:
        _write_page(session, html, report)
        return
    if session.json:
        session.print_json(report.as_json())
        return
    if not report.checklists:
        session.note(
            f"There are no checklists in {state.places.root} since {report.first}; --since names an earlier day."
        )
        return
    from outlast.clients.render.state_report import report_screen

    session.print_lines(report_screen(report, session.screen()))


def _write_page(session: Session, name: str, report: "Report") -> None:
    from pathlib import Path

    from outlast.clients.render.state_page import BEGINNING, page
    from outlast.durable import replace_file
    from outlast.upkeep.outputs import begins_with, is_stream

    text = page(report)
    if name == "-":
        session.write(text)
        return
    target, data = Path(name), text.encode("utf-8", "backslashreplace")
    if is_stream(target):
        target.write_bytes(data)
    elif target.exists() and target.stat().st_size and not begins_with(target, BEGINNING.encode()):
        raise Refused(f"{target} is no report, and is not overwritten.", "Name another file, or remove it.")
    else:
        replace_file(Path(os.path.realpath(target)), data)
    if session.json:
        session.print_json({"html": name})
    else:
        session.print_lines([name])
