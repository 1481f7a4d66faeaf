"""The whole store at a glance: counts, ends over time, durations, what is waited for, who works."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outlast.clients.render.jobs import Screen, field_lines
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible
from outlast.clients.render.times import since, span
from outlast.core.durations import format_duration
from outlast.core.figures import Figures, Span
from outlast.core.job import Stats
from outlast.core.moments import Moment, to_iso
from outlast.core.prospects import Office
from outlast.core.status import Status
from outlast.lookout import Overview

_BLOCKS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def overview_object(overview: Overview) -> dict[str, Any]:
    """Return the overview as JSON."""
    stats, figures, office = overview.stats, overview.figures, overview.office
    return {
        "by_status": {str(status): count for status, count in stats.by_status.items()},
        "by_kind": {
            kind: {str(status): count for status, count in counts.items()} for kind, counts in stats.by_kind.items()
        },
        "oldest_queued_at": _iso(stats.oldest_queued_at),
        "hours": [_span_object(each) for each in figures.hours],
        "days": [_span_object(each) for each in figures.days],
        "durations": {
            each.kind: {
                "count": each.count,
                "median_seconds": each.median_seconds,
                "p95_seconds": each.p95_seconds,
            }
            for each in figures.durations
        },
        "waiting": {str(reason): count for reason, count in figures.waiting.items()},
        "next_wake_at": _iso(figures.next_wake_at),
        "supervisor": _office_object(office),
        "store_bytes": figures.store_bytes,
    }


def _span_object(span: Span) -> dict[str, Any]:
    return {
        "start": to_iso(span.start),
        "completed": span.completed,
        "failed": span.failed,
        "cancelled": span.cancelled,
    }


def _office_object(office: Office) -> dict[str, Any]:
    return {"alive": office.lives, "pid": office.pid, "since": _iso(office.since), "may_start": office.may_start}


def _iso(moment: Moment | None) -> str | None:
    return None if moment is None else to_iso(moment)


def overview_screen(overview: Overview, screen: Screen) -> list[str]:
    """Return the screen of the whole store."""
    lines = counts_table(overview.stats, screen)
    if overview.figures.durations:
        lines += ["", *durations_table(overview.figures, screen)]
    lines += [""] if lines else []
    for label, value in _fields(overview, screen.now):
        lines += field_lines(label, value, screen)
    return lines


def counts_table(stats: Stats, screen: Screen) -> list[str]:
    """Return the table of counts: a row for each kind, a column for each status."""
    if not stats.by_kind:
        return []
    statuses = [status for status in Status if stats.by_status.get(status)]
    columns = [
        Column(heading="KIND", least=8, gives_way=0),
        *(Column(heading=status.upper(), right=True, gives_way=9) for status in statuses),
        Column(heading="ALL", right=True, gives_way=9),
    ]
    rows = [_counts_row(visible(kind), counts, statuses) for kind, counts in sorted(stats.by_kind.items())]
    if len(rows) > 1:
        rows.append(_counts_row("all", stats.by_status, statuses))
    return table(columns, rows, screen.width, screen.paint)


def _counts_row(name: str, counts: Mapping[Status, int], statuses: Sequence[Status]) -> list[str]:
    numbers = [f"{counts[status]:,}" if counts.get(status) else _NOTHING for status in statuses]
    return [name, *numbers, f"{sum(counts.values()):,}"]


def durations_table(figures: Figures, screen: Screen) -> list[str]:
    """Return how long jobs take: a row for each kind, from the first start to the end."""
    columns = (
        Column(heading="KIND", least=8, gives_way=0),
        Column(heading="TOOK (MEDIAN)", right=True, gives_way=9),
        Column(heading="95% TOOK AT MOST", right=True, gives_way=9),
        Column(heading="OF THE NEWEST", right=True, gives_way=9),
    )
    rows = [
        (
            visible(each.kind),
            format_duration(each.median_seconds),
            format_duration(each.p95_seconds),
            f"{each.count:,}",
        )
        for each in figures.durations
    ]
    return table(columns, rows, screen.width, screen.paint)


def _fields(overview: Overview, now: Moment) -> Iterator[tuple[str, str]]:
    stats, figures = overview.stats, overview.figures
    for label, spans, unit in (("24 hours", figures.hours, "h"), ("14 days", figures.days, "day")):
        if any(span.ended for span in spans):
            yield label, f"{sparkline([span.ended for span in spans])}  {_ends(spans, unit)}"
    if stats.oldest_queued_at is not None:
        yield "queue", f"the oldest queued job is from {since(stats.oldest_queued_at, now)}"
    if figures.waiting:
        yield "waiting", _waiting(figures, now)
    yield "supervisor", _supervisor(overview.office, now)
    yield "store", size(figures.store_bytes)


def _ends(spans: Sequence[Span], unit: str) -> str:
    """Return `1,234 completed, 12 failed; peak 360/h`."""
    sums = {
        "completed": sum(span.completed for span in spans),
        "failed": sum(span.failed for span in spans),
        "cancelled": sum(span.cancelled for span in spans),
    }
    told = ", ".join(f"{count:,} {word}" for word, count in sums.items() if count)
    most = max(span.ended for span in spans)
    return f"{told}; peak {most:,}/{unit}"


def _waiting(figures: Figures, now: Moment) -> str:
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(figures.waiting.items()))
    return told if figures.next_wake_at is None else f"{told}; the next is due {_due(figures.next_wake_at, now)}"


def _due(moment: Moment, now: Moment) -> str:
    return "now" if moment <= now else f"in {span((moment - now) / 1000)}"


def _supervisor(office: Office, now: Moment) -> str:
    if office.lives:
        at = "" if office.since is None else f", for {span((now - office.since) / 1000)}"
        return f"at work (process {office.pid}{at})"
    if office.may_start:
        return "none; the next command that submits, waits, follows or steers starts one"
    return "none, and OUTLAST_AUTOSTART=0 keeps commands from starting one: outlast worker"


def sparkline(numbers: Sequence[int]) -> str:
    """Return a bar for each number, one column each; the largest fills it, nothing is a dot."""
    largest = max(numbers, default=0)
    return "".join(_NOTHING if not each else _BLOCKS[(each * len(_BLOCKS) - 1) // largest] for each in numbers)


def size(count: int) -> str:
    """Return `812 bytes`, `4.2 MB`."""
    number = float(count)
    for unit in _UNITS:
        if number < 1000 or unit == _UNITS[-1]:
            return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    raise AssertionError
