"""Lists of jobs: one short look into the store after another, so that no list holds up those who write."""

from collections.abc import Iterator
from time import monotonic

from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.core.pages import Page, Stretch, page_of, read_cursor
from outlast.core.ports import Store
from outlast.core.query import Query


def page(store: Store, query: Query, *, cursor: str | None, limit: int, patience: float) -> Page:
    """Return a page of the jobs that match, newest first. Raise UsageError for a cursor or a limit that is none.

    After `patience` seconds it is given out although it is not full, with the cursor from where to look on.
    """
    if not 1 <= limit <= 10_000:
        raise UsageError(f"{limit} is no page size.", "Use 1 to 10000.")
    before, until = read_cursor(cursor), monotonic() + patience
    jobs: list[Job] = []
    while True:  # one more than the page holds tells whether another one follows
        found = store.page(query, before=before, limit=limit + 1 - len(jobs))
        jobs, before = jobs + found.jobs, found.before
        if before is None or len(jobs) > limit or monotonic() > until:
            return page_of(Stretch(jobs, before), limit)


def matching(store: Store, query: Query, before: int | None) -> Iterator[Job]:
    """Yield every job that matches, newest first; with `before` only those whose `seq` is below it."""
    while True:
        jobs, before = store.page(query, before=before, limit=500)
        yield from jobs
        if before is None:
            return
