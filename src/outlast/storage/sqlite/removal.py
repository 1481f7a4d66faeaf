"""Removing finished jobs: what stays of them, and what goes."""

from outlast.core.errors import Conflict
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.rows import Specs
from outlast.storage.sqlite.submission import fingerprint

_TABLES = ("inputs", "checkpoints", "results", "steps", "events", "progress_history", "questions")

_TO_HISTORY = (
    "INSERT OR REPLACE INTO history (id, key, kind, account, status, reason, error_group, created_at, started_at,"
    " completed_at, removed_at, actor, fingerprint) SELECT id, key, kind, account, status, reason, error_group,"
    " created_at, started_at, completed_at, ?, ?, ? FROM jobs WHERE seq = ?"
)
_KEY_FACTS = (
    "SELECT j.key, j.spec_id, coalesce(j.args, i.args) FROM jobs j LEFT JOIN inputs i ON i.seq = j.seq WHERE j.seq = ?"
)
_ENDED_BEFORE = (
    "SELECT seq FROM jobs WHERE completed_at IS NOT NULL AND keep = 0 AND completed_at <= ?"
    " ORDER BY completed_at LIMIT ?"
)
_READ_BEFORE = (
    "SELECT seq FROM jobs WHERE read_at IS NOT NULL AND keep = 0 AND read_at <= ? AND completed_at <= ?"
    " ORDER BY read_at LIMIT ?"
)
FORGET = "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE removed_at <= ? ORDER BY removed_at LIMIT ?)"


def remove(database: Database, specs: Specs, job: Job, actor: str, now: Moment) -> None:
    """Remove a finished job inside the caller's transaction; see Jobs.remove."""
    found = database.execute("SELECT seq, completed_at FROM jobs WHERE id = ?", (job.id,))
    for seq, completed_at in found:
        if completed_at is None:
            raise Conflict(f"{job.id} is not finished.", f"Cancel it first: outlast cancel {job.id}.")
        _remove(database, specs, seq, actor, now)


def prune(database: Database, specs: Specs, *, cutoff: Moment, read_only: bool, limit: int, now: Moment) -> list[str]:
    """Remove jobs that ended before `cutoff` inside the caller's transaction; see Jobs.prune."""
    if read_only:
        found = database.execute(_READ_BEFORE, (cutoff, cutoff, limit))
    else:
        found = database.execute(_ENDED_BEFORE, (cutoff, limit))
    return [_remove(database, specs, seq, "retention", now) for (seq,) in found]


def _remove(database: Database, specs: Specs, seq: int, actor: str, now: Moment) -> str:
    key, spec_row, args = database.execute(_KEY_FACTS, (seq,))[0]
    mark = None if key is None else fingerprint(specs.of_row(spec_row), args or "")
    database.execute(_TO_HISTORY, (now, actor, mark, seq))
    for table in _TABLES:
        database.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
    return str(database.execute("DELETE FROM jobs WHERE seq = ? RETURNING id", (seq,))[0][0])
