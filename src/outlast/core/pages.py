"""Pages of a list, newest first, and the cursors between them: they name a job, so new ones shift nothing."""

from typing import NamedTuple

from outlast.core.errors import UsageError
from outlast.core.job import Job


class Page(NamedTuple):
    """Jobs, newest first, and the cursor of the next page (None: that was the last)."""

    jobs: list[Job]
    next_cursor: str | None


class Stretch(NamedTuple):
    """What was found in a part of all jobs, and the `seq` below which the next part begins (None: nothing is left)."""

    jobs: list[Job]
    before: int | None


def page_of(found: Stretch, limit: int) -> Page:
    """Return the page of the first `limit` jobs; another follows if there are more, or not all was looked at."""
    shown = found.jobs[:limit]
    before = shown[-1].seq if len(found.jobs) > limit else found.before
    return Page(shown, None if before is None else f"j{before}")


def read_cursor(cursor: str | None) -> int | None:
    """Return the `seq` below which a page begins, None for the first. Raise UsageError for what is no cursor."""
    if cursor is None:
        return None
    if not cursor.startswith("j") or not cursor[1:].isdecimal() or not cursor.isascii() or len(cursor) > 19:
        raise UsageError(f"{cursor!r:.60} is not a cursor of this list.", "Leave it out to begin at the newest.")
    return int(cursor[1:])
