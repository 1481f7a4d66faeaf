"""Figures of the whole store, read from indexes and the history's summaries alone; see core.figures.

Inside the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from outlast.core.figures import Durations, Span, durations_of
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.status import Reason
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.history import History
from outlast.storage.sqlite.traces import HOUR_MS

# A statement for each span: grouped by an expression, SQLite would sort a million rows instead of counting them.
_ENDS = tuple(
    "SELECT count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),"
    f" count(*) FILTER (WHERE status = 'cancelled') FROM {source} completed_at >= ? AND completed_at < ?"
    for source in (
        "jobs INDEXED BY jobs_ended WHERE completed_at IS NOT NULL AND keep = 0 AND",
        "jobs INDEXED BY jobs_kept WHERE completed_at IS NOT NULL AND keep = 1 AND",
    )
)
FINISHED_KINDS = (
    "WITH RECURSIVE k (name) AS (SELECT min(kind) FROM jobs INDEXED BY jobs_finished WHERE completed_at IS NOT NULL"
    " UNION ALL SELECT (SELECT min(kind) FROM jobs INDEXED BY jobs_finished WHERE completed_at IS NOT NULL"
    " AND kind > k.name) FROM k WHERE k.name IS NOT NULL) SELECT name FROM k WHERE name IS NOT NULL"
)
_NEWEST_COMPLETED = (
    "SELECT completed_at, started_at FROM jobs INDEXED BY jobs_finished WHERE completed_at IS NOT NULL AND kind = ?"
    " AND status = 'completed' ORDER BY seq DESC LIMIT ?"
)
_WAITING = (
    "SELECT reason, count(*) FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL AND status = 'waiting'"
    " GROUP BY reason"
)
_AHEAD = (
    "SELECT count(*) FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL AND status = 'queued' AND"
    " (priority > ?1 OR (priority = ?1 AND (coalesce(wake_at, created_at), seq) < (?2, ?3)))"
)


def spans(
    database: Database, removed: Mapping[int, Sequence[int]], now: Moment, *, hours: int, count: int
) -> list[Span]:
    """Return the last `count` spans of so many hours, the one that has just begun included.

    `removed` are the ends of removed jobs by hour; see History.ends.
    """
    length = hours * HOUR_MS
    newest = now - now % length
    return [_span(database, removed, newest - place * length, hours) for place in reversed(range(count))]


def _span(database: Database, removed: Mapping[int, Sequence[int]], start: Moment, hours: int) -> Span:
    found = [database.execute(sql, (start, start + hours * HOUR_MS))[0] for sql in _ENDS]
    found += [tuple(removed.get(start // HOUR_MS + hour, (0, 0, 0))) for hour in range(hours)]
    completed, failed, cancelled = (sum(numbers) for numbers in zip(*found, strict=True))
    return Span(start=start, completed=completed, failed=failed, cancelled=cancelled)


def durations(database: Database, history: History, newest: int) -> list[Durations]:
    """Return how long the newest completed jobs of each kind took, those that were removed included."""
    took = history.newest_completed(newest)
    for (kind,) in database.execute(FINISHED_KINDS):
        took.setdefault(kind, []).extend(database.execute(_NEWEST_COMPLETED, (kind, newest)))
    made = (durations_of(kind, _lengths(ends, newest)) for kind, ends in sorted(took.items()))
    return [each for each in made if each is not None]


def _lengths(ends: Iterable[tuple[Moment, Moment | None]], newest: int) -> list[int]:
    last = sorted(ends, reverse=True, key=lambda end: end[0])[:newest]
    return [completed_at - started_at for completed_at, started_at in last if started_at is not None]


def waiting(database: Database) -> dict[Reason, int]:
    """Count the waiting jobs by their reason."""
    return {Reason(reason): count for reason, count in database.execute(_WAITING)}


def ahead_of(database: Database, job: Job) -> int:
    """Return how many queued jobs come before this one."""
    due = job.created_at if job.wake_at is None else job.wake_at
    return int(database.execute(_AHEAD, (job.priority, due, job.seq))[0][0])


def size_of(files: Sequence[str]) -> int:
    """Return how many bytes the files have that exist; looking at their size opens none."""
    return sum(path.stat().st_size for path in map(Path, files) if path.exists())
