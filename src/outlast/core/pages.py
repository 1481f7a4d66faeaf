"""Pages of a list, newest first, and the cursors between them: they name a job, so new ones shift nothing."""

from dataclasses import dataclass

from outlast.core.errors import UsageError
from outlast.core.job import Job


@dataclass(frozen=True, slots=True)
class Page:
    """Jobs, newest first, and the cursor of the next page (None: that was the last)."""

    jobs: list[Job]
    next_cursor: str | None


def page_of(jobs: list[Job], limit: int) -> Page:
    """Return the page of the first `limit` jobs; more than these mean that another page follows."""
    shown = jobs[:limit]
    return Page(shown, f"j{shown[-1].seq}" if len(jobs) > limit else None)


def read_cursor(cursor: str | None) -> int | None:
    """Return the `seq` below which a page begins, None for the first. Raise UsageError for what is no cursor."""
    if cursor is None:
        return None
    if not cursor.startswith("j") or not cursor[1:].isdecimal() or not cursor.isascii() or len(cursor) > 19:
        raise UsageError(f"{cursor!r:.60} is not a cursor of this list.", "Leave it out to begin at the newest.")
    return int(cursor[1:])
