"""What came of a run, as text."""

from outlast.clients.render.jobs import Screen
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible
from outlast.core.durations import format_duration
from outlast.jobstate.runner import AccountRun, RunReport

MOST_ERRORS = 2


def run_screen(report: RunReport, screen: Screen) -> list[str]:
    """Return a row for each account, and the sum."""
    columns = (
        Column(heading="ACCOUNT", wants=14, least=8, gives_way=2),
        Column(heading="DONE", gives_way=9, right=True),
        Column(heading="FAILED", gives_way=9, right=True, paint=lambda row, text: screen.paint(text, "red")),
        Column(heading="LEFT", gives_way=9, right=True),
        Column(heading="CRASHES", gives_way=9, right=True),
        Column(heading="TOOK", gives_way=9, right=True),
        Column(heading="WHY", least=8, gives_way=1),
    )
    rows = [
        (
            visible(each.account),
            f"{len(each.completed):,}",
            _count(len(each.failed)),
            _count(len(each.left) + len(each.held)),
            _count(each.crashes),
            format_duration(each.seconds),
            _why(each),
        )
        for each in report.accounts
    ]
    return [*table(columns, rows, screen.width, screen.paint), _sum(report)]


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _why(run: AccountRun) -> str:
    errors = [f"{name}: {error}" if name else error for name, error in run.failed.items()]
    held = [f"{name} is held" for name in run.held]
    return visible("; ".join([*errors, *held][:MOST_ERRORS]))


def _sum(report: RunReport) -> str:
    done = sum(len(each.completed) for each in report.accounts)
    failed = sum(len(each.failed) for each in report.accounts)
    words = f"{done:,} completed, {failed:,} failed, {len(report.accounts):,} accounts"
    return f"Interrupted: {words}" if report.interrupted else words
