"""Followed jobs on a terminal: a line for each that moves, and the logs above it."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from outlast.clients.cli.looks import Look, prefix_of, readable
from outlast.clients.cli.session import Session
from outlast.clients.cli.watching import end_lines, hint
from outlast.clients.render.text import fit, visible
from outlast.clients.render.words import detail_words, short_id, state_words
from outlast.core.job import Job

BAR_WIDTH = 16
_SPINNER_WIDTH = 2


class LiveShower:
    """Shows jobs as bars; what they write, and what happens to them, scrolls by above."""

    def __init__(self, session: Session, *, several: bool) -> None:
        self._session = session
        self._several = several
        self._console = Console(highlight=False, no_color=not session.paint().on, soft_wrap=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, looks: Sequence[Look]) -> None:
        if not self._progress.live.is_started:
            self._progress.start()
        for look in looks:
            prefix = prefix_of(look.job, several=self._several)
            for line in readable(look.lines):
                self._print(Text(prefix) + Text.from_ansi(line))
            for text in look.news:
                self._print(Text(f"{prefix}· {visible(text)}", style="yellow" if self._session.paint().on else ""))
            self._update(look.job)

    def _update(self, job: Job) -> None:
        now = self._session.now()
        words = filter(None, (short_id(job.id), state_words(job, now), detail_words(job, now, BAR_WIDTH)))
        line = fit("  ".join(words), self._console.width - _SPINNER_WIDTH - 1)
        if job.id in self._tasks:
            self._progress.update(self._tasks[job.id], description=line)
        else:
            self._tasks[job.id] = self._progress.add_task(line, total=None)

    def end(self, job: Job) -> None:
        self._progress.refresh()
        self._progress.remove_task(self._tasks.pop(job.id))
        if not self._tasks:
            self.close()
        for line in end_lines(self._session, job):
            self._print(Text.from_ansi(line))
        hint(self._session, job)

    def close(self) -> None:
        self._progress.stop()

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)
