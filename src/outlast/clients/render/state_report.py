"""The report of job state as text, for 80 columns."""

from collections.abc import Iterator, Sequence

from outlast.clients.render.checklists import moment_age
from outlast.clients.render.heat import heat_map
from outlast.clients.render.jobs import Screen
from outlast.clients.render.progress import percent
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible, wrap
from outlast.core.durations import format_duration
from outlast.jobstate.report import ActivityReport, Hanging, Report

MOST_ROWS = 10
SPARKS = "▁▂▃▄▅▆▇█"


def report_screen(report: Report, screen: Screen) -> list[str]:
    """Return the report: totals, the map, what hangs, what fails, what takes long."""
    lines = [screen.paint(line, "bold") for line in wrap(totals(report), screen.width)]
    lines += ["", *heat_map(report, screen)]
    failing = [each for each in report.activities if each.failed]
    slow = sorted((each for each in report.activities if each.median_ms is not None), key=_median, reverse=True)
    lines += _section("Hanging", _hanging(report.hanging[:MOST_ROWS], screen), len(report.hanging), screen)
    lines += _section("Failing", _failing(failing[:MOST_ROWS], screen), len(failing), screen)
    lines += _section("Durations", _durations(slow[:MOST_ROWS], screen), len(slow), screen)
    return lines


def totals(report: Report) -> str:
    """Return what the whole comes to, on one line."""
    total = report.total
    rate = "nothing planned"
    if total.fraction is not None:
        rate = f"{percent(total.fraction)} done ({total.done:,} of {total.planned:,})"
    counted = ", ".join(_count(*each) for each in ((report.failures, "failure"), (report.checklists, "checklist")))
    return f"{report.first} to {report.today}: {rate}, {counted}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _median(activity: ActivityReport) -> float:
    return activity.median_ms or 0.0


def _section(title: str, lines: Sequence[str], count: int, screen: Screen) -> Iterator[str]:
    if count:
        more = f" (the first {MOST_ROWS} of {count:,}; --json has all)" if count > MOST_ROWS else ""
        yield from ("", screen.paint(title, "bold") + more, *lines)


def _hanging(hanging: Sequence[Hanging], screen: Screen) -> list[str]:
    columns = (
        Column(heading="ACCOUNT", least=8, gives_way=2),
        Column(heading="TYPE", least=6, gives_way=3),
        Column(heading="DAY", gives_way=9),
        Column(heading="ACTIVITY", least=8, gives_way=1),
        Column(heading="SINCE", gives_way=9, right=True),
        Column(heading="WHY", gives_way=9, paint=lambda row, text: screen.paint(text, "yellow")),
        Column(heading="PROCESS", gives_way=9, right=True, expendable=True),
    )
    rows = [
        (
            visible(each.account),
            visible(each.type),
            each.date,
            visible(each.activity),
            format_duration(each.seconds),
            each.why,
            "" if each.process is None else str(each.process),
        )
        for each in hanging
    ]
    return table(columns, rows, screen.width, screen.paint) if rows else []


def _failing(activities: Sequence[ActivityReport], screen: Screen) -> list[str]:
    columns = (
        Column(heading="ACTIVITY", wants=14, least=8, gives_way=2),
        Column(heading="TYPE", wants=10, least=6, gives_way=3),
        Column(heading="FAILED", gives_way=9, right=True, paint=lambda row, text: screen.paint(text, "red")),
        Column(heading="OF", gives_way=9, right=True),
        Column(heading="LAST", gives_way=9, right=True),
        Column(heading="LAST ERROR", least=10, gives_way=1),
    )
    rows = [
        (
            visible(each.activity),
            visible(each.type),
            f"{each.failed:,}",
            f"{each.failed + each.completed:,}",
            moment_age(each.last_failed_at, screen),
            visible(each.last_error),
        )
        for each in activities
    ]
    return table(columns, rows, screen.width, screen.paint) if rows else []


def _durations(activities: Sequence[ActivityReport], screen: Screen) -> list[str]:
    columns = (
        Column(heading="ACTIVITY", wants=14, least=8, gives_way=1),
        Column(heading="TYPE", wants=10, least=6, gives_way=2),
        Column(heading="RUNS", gives_way=9, right=True),
        Column(heading="MEDIAN", gives_way=9, right=True),
        Column(heading="P95", gives_way=9, right=True),
        Column(heading="BY WEEK", gives_way=8),
        Column(heading="LAST WEEK", gives_way=9, right=True, expendable=True),
    )
    rows = [
        (
            visible(each.activity),
            visible(each.type),
            f"{sum(week.runs for week in each.weeks):,}",
            _milliseconds(each.median_ms),
            _milliseconds(each.p95_ms),
            sparks([week.median_ms for week in each.weeks]),
            _milliseconds(each.weeks[-1].median_ms if each.weeks else None),
        )
        for each in activities
    ]
    return table(columns, rows, screen.width, screen.paint) if rows else []


def _milliseconds(value: float | None) -> str:
    return "" if value is None else format_duration(value / 1000)


def sparks(values: Sequence[float]) -> str:
    """Return a line of small columns, the highest as high as there is; nothing for fewer than two values."""
    if len(values) < 2:
        return ""
    most = max(values) or 1.0
    return "".join(SPARKS[min(len(SPARKS) - 1, int(value / most * (len(SPARKS) - 0.001)))] for value in values)
