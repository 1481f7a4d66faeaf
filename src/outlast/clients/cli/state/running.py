"""A run while it goes on: a bar on a terminal, else a line for what is worth one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from outlast.clients.cli.session import Session
from outlast.clients.render.text import fit, visible, visible_line

if TYPE_CHECKING:
    from outlast.jobstate.runner import Event

Show = Callable[["Event"], None]
_SHOWN_ACCOUNTS = 3


@contextmanager
def shower(session: Session, accounts: int, activities: int) -> Iterator[Show]:
    """Return what shows the events of a run; JSON is for a program, which reads the report at the end."""
    if session.json:
        yield lambda event: None
    elif session.on_terminal and os.environ.get("TERM", "dumb") != "dumb":
        with _live(session, accounts, activities) as show:
            yield show
    else:
        yield _plain(session)


def _line(event: "Event") -> str:
    """Return the line of an event, empty if it is not worth one."""
    account, activity = visible(event.account), visible(event.activity)
    match event.event:
        case "output":
            return f"{account} | {visible_line(event.text)}"
        case "fail":
            return f"{account}: {activity} failed: {visible(event.text)}"
        case "held":
            return f"{account}: {activity} is being done by another process"
        case "crash" if not event.activity:
            return f"{account}: its process ended ({visible(event.text)})"
    return ""


def _plain(session: Session) -> Show:
    def show(event: "Event") -> None:
        if line := _line(event):
            session.note(line)

    return show


@contextmanager
def _live(session: Session, accounts: int, activities: int) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(highlight=False, no_color=not session.paint().on, soft_wrap=True)
    columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    doing: dict[str, str] = {}
    with Progress(
        *columns, TextColumn("{task.description}", markup=False), console=console, transient=True
    ) as progress:
        task = progress.add_task("", total=accounts * activities)
        counts: dict[str, int] = {}

        def show(event: "Event") -> None:
            if line := _line(event):
                console.print(line, markup=False, soft_wrap=True)
            if event.event == "todo":
                counts[event.account] = event.count
                progress.update(task, total=sum(counts.values()) + (accounts - len(counts)) * activities)
            elif event.event == "begin":
                doing[event.account] = event.activity
            elif event.event in ("complete", "fail", "held") and doing.pop(event.account, None) is not None:
                progress.advance(task)
            progress.update(task, description=fit(_doing(doing), max(console.width - 62, 0)))

        yield show


def _doing(doing: dict[str, str]) -> str:
    shown = [f"{visible(account)}: {visible(activity)}" for account, activity in list(doing.items())[:_SHOWN_ACCOUNTS]]
    return ", ".join(shown)
