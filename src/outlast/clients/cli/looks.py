"""One look at a followed job, and what can show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from outlast.clients.render.text import visible_line
from outlast.clients.render.words import short_id
from outlast.core.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One job at one look: the lines that its log grew by, and what happened, in sentences."""

    job: Job
    lines: Sequence[bytes]
    news: Sequence[str]


class Shower(Protocol):
    """Shows looks to a person or a program."""

    def show(self, looks: Sequence[Look]) -> None:
        """Show what is new."""

    def end(self, job: Job) -> None:
        """Show that a job has ended, after its last look."""

    def close(self) -> None:
        """Take away what should not stay on the screen."""


def prefix_of(job: Job, *, several: bool) -> str:
    """Return what stands before a line of one of several jobs."""
    return f"[{short_id(job.id)}] " if several else ""


def readable(lines: Iterable[bytes]) -> list[str]:
    """Return lines of a log as they may be written to a terminal."""
    return [visible_line(line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]) for line in lines]
