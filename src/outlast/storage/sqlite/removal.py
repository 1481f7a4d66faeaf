"""Removing finished jobs: what stays of them, and what goes."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from outlast.core.errors import Conflict
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.status import Status
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.rows import Specs
from outlast.storage.sqlite.submission import fingerprint

if TYPE_CHECKING:
    from outlast.core.figures import Removed
    from outlast.storage.sqlite.history import History

_TABLES = ("inputs", "checkpoints", "results", "steps", "events", "progress_history", "questions", "jobs")

_LISTED = "(SELECT value FROM json_each(?))"
_TRACES = (
    "SELECT id, key, kind, account, status, reason, error_group, created_at, started_at, completed_at,"
    f" ?, ? FROM jobs WHERE seq IN {_LISTED} ORDER BY completed_at, seq"
)
_KEY_FACTS = (
    "SELECT j.id, j.spec_id, coalesce(j.args, i.args) FROM jobs j LEFT JOIN inputs i ON i.seq = j.seq"
    f" WHERE j.key IS NOT NULL AND j.seq IN {_LISTED}"
)
_ENDED_BEFORE = (
    "SELECT seq, id FROM jobs WHERE completed_at IS NOT NULL AND keep = 0 AND completed_at <= ?"
    " ORDER BY completed_at LIMIT ?"
)
# A job that comes back from a wait asks once more for the results of those that it submitted.
_NOT_WANTED = (
    "NOT (j.actor GLOB 'job:*' AND EXISTS"
    " (SELECT 1 FROM jobs p WHERE p.id = substr(j.actor, 5) AND p.completed_at IS NULL))"
)
_UNREAD = (
    "SELECT j.seq, j.id FROM jobs j INDEXED BY jobs_ended WHERE j.completed_at IS NOT NULL AND j.keep = 0"
    " AND j.completed_at BETWEEN ? AND ? AND j.read_at IS NULL"
)
# Of which an MCP client was told that it would be there.
_NOT_HELD = "(j.hold_until IS NULL OR j.hold_until <= ?)"
_UNREAD_BEFORE = f"{_UNREAD} AND {_NOT_WANTED} AND {_NOT_HELD} ORDER BY j.completed_at LIMIT ?"
_READ_BEFORE = (
    "SELECT j.seq, j.id FROM jobs j INDEXED BY jobs_read WHERE j.read_at IS NOT NULL AND j.keep = 0"
    f" AND j.read_at <= ? AND j.completed_at <= ? AND {_NOT_WANTED} AND {_NOT_HELD} ORDER BY j.read_at LIMIT ?"
)

FORGOTTEN = "SELECT 1 FROM history_blocks WHERE first_removed <= ? LIMIT 1"


class Removal:
    """The finished jobs of one store on their way out. What changes it runs inside the caller's transaction."""

    def __init__(self, database: Database, specs: Specs) -> None:
        self._database = database
        self._specs = specs
        self._all_read_before: Moment = 0

    @property
    def history(self) -> "History":
        """What stays of removed jobs."""
        # Most commands never ask for it, and it takes a while to import.
        from outlast.storage.sqlite.history import History

        return History(self._database.execute)

    def removed(self, text: str) -> "Removed | None":
        """Return what is known of the removed job with this id or key."""
        from outlast.core.figures import Removed

        found = self.history.find(text.encode("utf-8", "replace").decode())
        if found is None:
            return None
        status = Status(found.status)
        return Removed(id=found.id, status=status, completed_at=found.completed_at, removed_at=found.removed_at)

    def remove(self, job: Job, actor: str, now: Moment) -> None:
        """Remove a finished job; see Jobs.remove."""
        found = self._database.execute("SELECT seq, completed_at FROM jobs WHERE id = ?", (job.id,))
        for seq, completed_at in found:
            if completed_at is None:
                raise Conflict(f"{job.id} is not finished.", f"Cancel it first: outlast cancel {job.id}.")
            self._remove([seq], actor, now)

    def prune(self, cutoff: Moment, read: bool | None, limit: int, now: Moment) -> list[str]:
        """Remove jobs that ended before `cutoff`; see Jobs.prune."""
        found = self.old_ends(cutoff, read, limit, now)
        self._remove([seq for seq, _ in found], "retention", now)
        return [job_id for _, job_id in found]

    def old_ends(self, cutoff: Moment, read: bool | None, limit: int, now: Moment) -> list[tuple[int, str]]:
        """Return seq and id of at most so many jobs that `prune` would remove, the oldest end first."""
        if read is None:
            found = self._database.execute(_ENDED_BEFORE, (cutoff, limit))
        elif read:
            found = self._database.execute(_READ_BEFORE, (cutoff, cutoff, now, limit))
        else:
            found = self._unread(cutoff, limit, now)
        return [(seq, job_id) for seq, job_id in found]

    def _unread(self, cutoff: Moment, limit: int, now: Moment) -> list[tuple[int, str]]:
        """Return unread ends. Read ones may stay for ever: they are not gone through again each time."""
        if cutoff < self._all_read_before:  # the clock was set back
            self._all_read_before = 0
        found = self._database.execute(_UNREAD_BEFORE, (self._all_read_before, cutoff, now, limit))
        if not found and not self._database.execute(f"{_UNREAD} LIMIT 1", (self._all_read_before, cutoff)):
            self._all_read_before = cutoff
        return [(seq, job_id) for seq, job_id in found]

    def _remove(self, seqs: Sequence[int], actor: str, now: Moment) -> None:
        from outlast.storage.sqlite.traces import Trace

        listed = json.dumps(list(seqs))
        marks = {
            job_id: fingerprint(self._specs.of_row(spec_row), args or "")
            for job_id, spec_row, args in self._database.execute(_KEY_FACTS, (listed,))
        }
        found = self._database.execute(_TRACES, (now, actor, listed))
        self.history.add([Trace._make((*row, marks.get(row[0]))) for row in found])
        for table in _TABLES:
            self._database.execute(f"DELETE FROM {table} WHERE seq IN {_LISTED}", (listed,))
