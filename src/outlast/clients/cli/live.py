"""A followed job on a terminal: a bar that moves, and the log above it."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from outlast.clients.cli.session import Session
from outlast.clients.render.progress import fraction_of, full_progress
from outlast.clients.render.text import fit, visible, visible_line, width_of
from outlast.clients.render.words import short_id, status_words

if TYPE_CHECKING:
    from outlast.clients.cli.tail import Show
    from outlast.core.job import Job

BAR_WIDTH = 20


def live_shower(session: Session) -> "Show":
    """Return what shows a job as a live bar; called with None it takes the bar away."""
    console = Console(highlight=False, no_color=not session.paint().on, soft_wrap=True)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR_WIDTH),
        TextColumn("{task.fields[words]}", markup=False),
        console=console,
        transient=True,
    )
    task = progress.add_task("", total=None, words="")
    rest = b""

    def show(job: "Job | None", grown: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + grown).split(b"\n")
        if job is None:
            if rest:
                lines.append(rest)
            progress.stop()
        elif not progress.live.is_started:
            progress.start()
        for line in lines:
            text = visible_line(line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2])
            console.print(Text.from_ansi(text), soft_wrap=True)
        if job is not None:
            fraction = None if job.progress is None else fraction_of(job.progress)
            description = f"{short_id(job.id)} {status_words(job)}"
            progress.update(task, description=description, total=None if fraction is None else 1.0)
            room = console.width - BAR_WIDTH - width_of(description) - 5
            progress.update(task, completed=fraction or 0.0, words=fit(_words(job), room))

    return show


def _words(job: "Job") -> str:
    if job.progress is None:
        return ""
    words = full_progress(job.progress, 0).lstrip()
    return "  ".join(filter(None, (words, visible(job.progress.message or ""))))
