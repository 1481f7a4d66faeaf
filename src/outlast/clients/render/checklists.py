"""Checklists as text: a list of them, and one with all its activities."""

from collections.abc import Sequence

from outlast.clients.render.jobs import Screen
from outlast.clients.render.progress import bar, percent
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible, wrap
from outlast.clients.render.times import age
from outlast.core.durations import format_duration
from outlast.core.errors import UsageError
from outlast.core.moments import from_iso
from outlast.jobstate import Entry
from outlast.jobstate.history import ActivityHistory, activities_of

COLOURS = {"completed": "green", "doing": "cyan", "interrupted": "yellow", "failed": "red", "skipped": "dim"}
BAR_WIDTH = 8


def entry_table(entries: Sequence[Entry], screen: Screen) -> list[str]:
    """Return the table of checklists."""
    paint = screen.paint
    columns = (
        Column(heading="DAY", least=10, gives_way=9),
        Column(heading="ACCOUNT", wants=17, least=8, gives_way=2),
        Column(heading="TYPE", wants=9, least=6, gives_way=3),
        Column(
            heading="DONE",
            least=17,
            gives_way=8,
            paint=lambda row, text: paint(text, "" if entries[row].remaining else "green"),
        ),
        Column(
            heading="LEFT",
            wants=12,
            least=8,
            gives_way=1,
            paint=lambda row, text: paint(text, "red" if entries[row].failed else ""),
        ),
        Column(heading="CHANGED", least=7, gives_way=9, right=True, expendable=True),
    )
    rows = [
        (entry.date, visible(entry.account), visible(entry.type), _done(entry), _left(entry), _changed(entry, screen))
        for entry in entries
    ]
    return table(columns, rows, screen.width, paint)


def _done(entry: Entry) -> str:
    fraction = len(entry.completed) / entry.planned if entry.planned else 1.0
    return f"{bar(fraction, BAR_WIDTH)} {percent(fraction):>4} {len(entry.completed)}/{entry.planned}"


def _left(entry: Entry) -> str:
    doing = [f"doing {visible(name)}" for name in entry.doing]
    failed = [f"{len(entry.failed)} failed"] if entry.failed else []
    others = [visible(name) for name in entry.remaining if name not in entry.doing and name not in entry.failed]
    return ", ".join([*doing, *failed, *others[:3]]) + (" …" if len(others) > 3 else "")


def _changed(entry: Entry, screen: Screen) -> str:
    return moment_age(entry.last_update, screen)


def moment_age(at: str, screen: Screen) -> str:
    """Return how long ago a time of a journal is, empty if it is none."""
    try:
        return age(from_iso(at), screen.now) if at else ""
    except UsageError:
        return ""


def entry_screen(entry: Entry, screen: Screen) -> list[str]:
    """Return one checklist with all its activities."""
    head = f"{visible(entry.account)}  {visible(entry.type)}  {entry.date}"
    lines = [screen.paint(line, "bold") for line in wrap(head, screen.width)]
    lines.append(f"{_done(entry)}" + (f", {len(entry.skipped)} skipped" if entry.skipped else ""))
    if entry.fault or entry.damaged:
        lines.append(screen.paint(f"damaged: {entry.fault or f'{entry.damaged} records'}", "red"))
    activities = activities_of(entry)
    return [*lines, "", *_activity_table(activities, screen)] if activities else lines


def _activity_table(activities: Sequence[ActivityHistory], screen: Screen) -> list[str]:
    columns = (
        Column(heading="ACTIVITY", wants=14, least=10, gives_way=2),
        Column(
            heading="STATUS",
            gives_way=9,
            paint=lambda row, text: screen.paint(text, COLOURS.get(activities[row].status, "")),
        ),
        Column(heading="TIME (UTC)", gives_way=9),
        Column(heading="TOOK", gives_way=9, right=True),
        Column(heading="TRIES", gives_way=9, right=True),
        Column(heading="WHY", least=8, gives_way=1),
    )
    rows = [
        (
            visible(each.activity),
            each.status,
            each.at[11:19],
            "" if each.duration_ms is None else format_duration(each.duration_ms / 1000),
            str(each.tries) if each.tries > 1 else "",
            visible(each.text),
        )
        for each in activities
    ]
    return table(columns, rows, screen.width, screen.paint)
