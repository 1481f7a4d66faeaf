"""What only the supervisor does; every method is a sentence of `core.ports.Supervision`."""

import heapq
import json
from collections.abc import Mapping, Sequence
from itertools import islice

from outlast.core.errors import ClaimLost
from outlast.core.job import Checkpoint, Claim, Event, Job, ProcessIdentity, Step
from outlast.core.moments import Moment
from outlast.core.status import Status, check_move
from outlast.storage.sqlite import gauges, rows, wal
from outlast.storage.sqlite.schedules import SqliteSchedules
from outlast.storage.sqlite.swaps import lost

_QUEUED = "FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL AND status = 'queued'"
_QUEUES = (
    f"WITH RECURSIVE q (name) AS (SELECT min(queue) {_QUEUED} UNION ALL"
    f" SELECT (SELECT min(queue) {_QUEUED} AND queue > q.name) FROM q WHERE q.name IS NOT NULL)"
    " SELECT name FROM q WHERE name IS NOT NULL"
)
_DUE = "coalesce(wake_at, created_at)"
_HEAD_OF_QUEUE = f"SELECT -priority, {_DUE}, seq {_QUEUED} AND queue = ? ORDER BY priority DESC, {_DUE}, seq LIMIT ?"
_RUNNING_IN = (
    "SELECT count(*) FROM jobs INDEXED BY jobs_unfinished"
    " WHERE completed_at IS NULL AND status = 'running' AND queue = ?"
)
_LAST_END = (
    "SELECT max((SELECT coalesce(max(completed_at), 0) FROM jobs WHERE completed_at IS NOT NULL AND keep = 0),"
    " (SELECT coalesce(max(last_removed), 0) FROM history_blocks))"
)
_LISTED = "WHERE j.seq IN (SELECT value FROM json_each(?))"
_RUNNING = "WHERE j.status = 'running' AND j.completed_at IS NULL"
_WAKEABLE = "jobs INDEXED BY jobs_wake WHERE status = 'waiting' AND wake_at IS NOT NULL AND reason <> 'paused'"
_WAKE = (
    "UPDATE jobs SET status = 'queued', reason = NULL, waiting_info = NULL, updated_at = ?1 WHERE seq IN"
    f" (SELECT seq FROM {_WAKEABLE} AND wake_at <= ?1 ORDER BY wake_at LIMIT ?2)"
)
_CLAIM = (
    "UPDATE jobs SET status = 'running', reason = NULL, waiting_info = NULL, wake_at = NULL, attempt = attempt + 1,"
    " gauge = NULL, reaches = NULL,"
    " started_at = coalesce(started_at, ?), updated_at = ?, process_id = ?, intent = NULL, intent_actor = NULL"
    " WHERE seq = ? AND id = ? AND status = 'queued' AND attempt = ?"
)
_INPUTS = (
    "SELECT j.id, coalesce(j.args, i.args), c.cursor FROM jobs j LEFT JOIN inputs i ON i.seq = j.seq"
    f" LEFT JOIN checkpoints c ON c.seq = j.seq {_LISTED}"
)
_CURSOR = "SELECT substr(cursor, 1, ?) FROM checkpoints WHERE seq = ? AND cursor IS NOT NULL"
_MOST_CURSOR_CHARACTERS = 200
"""So much of a cursor is told in the history; all of it stands in the job."""
_SAVE_STEP = (
    "INSERT INTO steps (seq, n, name, kind, attempt, saved_at, duration_ms, result)"
    " SELECT seq, (SELECT coalesce(max(n), 0) + 1 FROM steps WHERE steps.seq = jobs.seq), ?, ?, attempt, ?, ?, ?"
    " FROM jobs WHERE id = ? AND status = 'running' AND attempt = ? AND saved = 1"
    " ON CONFLICT (seq, name) DO UPDATE SET kind = excluded.kind, attempt = excluded.attempt,"
    " saved_at = excluded.saved_at, duration_ms = excluded.duration_ms, result = excluded.result"
    " WHERE steps.attempt <> excluded.attempt"
)
_SAVE_CHECKPOINT = (
    "INSERT INTO checkpoints (seq, cursor, partial) VALUES (?, ?, ?) ON CONFLICT (seq) DO UPDATE SET"
    " cursor = coalesce(excluded.cursor, cursor), partial = coalesce(excluded.partial, partial)"
    " WHERE cursor IS NOT coalesce(excluded.cursor, cursor) OR partial IS NOT coalesce(excluded.partial, partial)"
)
_SAVE_PROGRESS = (
    "UPDATE jobs SET saved = ?, updated_at = ?, progress = coalesce(?, progress),"
    " extra = coalesce(?, extra) WHERE seq = ?"
)
_FENCE = "SELECT seq, saved FROM jobs WHERE id = ? AND status = 'running' AND attempt = ?"


class SqliteStore(SqliteSchedules):
    """The store as its supervisor sees it; see `core.ports.Supervision`."""

    def take_office(self, identity: ProcessIdentity) -> None:
        wal.grow(self._database)  # first: who is in office should be at work
        sql = f"INSERT OR REPLACE INTO supervisors (place, {rows.IDENTITY}, since) VALUES (1, ?, ?, ?, ?, ?, ?)"
        with self._database.write("take_office"):
            self._database.execute(sql, (*rows.identity_values(identity), self.now()))

    def tidy(self) -> None:
        """Do what would otherwise hold up a later change: move the WAL into the file. For when nothing else is done."""
        self._database.between_transactions("PRAGMA wal_checkpoint(PASSIVE)")

    def leave_office(self, *, if_idle: bool, queues: Sequence[str] = ()) -> bool:
        with self._database.write("leave_office"):
            if if_idle and self.has_work(queues):
                return False
            self._database.execute("DELETE FROM supervisors")
            return True

    def add_process(self, identity: ProcessIdentity) -> None:
        sql = f"INSERT OR REPLACE INTO processes ({rows.IDENTITY}, added_at) VALUES (?, ?, ?, ?, ?, ?)"
        with self._database.write("add_process"):
            self._database.execute(sql, (*rows.identity_values(identity), self.now()))

    def drop_process(self, process_id: str) -> None:
        with self._database.write("drop_process"):
            self._database.execute("DELETE FROM processes WHERE id = ?", (process_id,))

    def processes(self) -> list[ProcessIdentity]:
        return rows.identities(self._database.execute(f"SELECT {rows.IDENTITY} FROM processes ORDER BY added_at, id"))

    def wake(self, limit: int) -> int:
        if self.next_wake_seconds() != 0:
            return 0
        with self._database.write("wake"):
            now = self.now()
            return self._database.change(_WAKE, (now, limit)) + gauges.send_readers(self._database, now)

    def next_wake_seconds(self) -> float | None:
        first: Moment | None = self._database.execute(f"SELECT min(wake_at) FROM {_WAKEABLE}")[0][0]
        now = self.now()
        known = (first, gauges.next_look(self._database), self._next_schedule_at(now))
        times = [moment for moment in known if moment is not None]
        return max(0.0, (min(times) - now) / 1000) if times else None

    def read_gauge(self, name: str, value: int, *, every_seconds: float) -> int:
        with self._database.write("read_gauge"):
            return gauges.read(self._database, name, value, round(every_seconds * 1000), self.now())

    def due(self, limit: int, *, queues: Sequence[str] = (), at_once: Mapping[str, int] | None = None) -> list[Job]:
        with self._database.read():
            names = [name for (name,) in self._database.execute(_QUEUES) if not queues or name in queues]
            most = [self._most_of(name, limit, at_once or {}) for name in names]
            heads = [self._database.execute(_HEAD_OF_QUEUE, pair) for pair in zip(names, most, strict=True)]
            seqs = [seq for _, _, seq in islice(heapq.merge(*heads), limit)]
            jobs = {job.seq: job for job in self._jobs(_LISTED, (json.dumps(seqs),))} if seqs else {}
            return [jobs[seq] for seq in seqs]

    def _most_of(self, queue: str, limit: int, at_once: Mapping[str, int]) -> int:
        """Return how many more jobs of a queue may run, `limit` at most."""
        if queue not in at_once:
            return limit
        return max(0, min(limit, at_once[queue] - int(self._database.execute(_RUNNING_IN, (queue,))[0][0])))

    def claim(self, job: Job, process_id: str) -> Job:
        now = self.now()
        check_move(job.status, Status.RUNNING, None)
        with self._database.write("claim"):
            if not self._database.change(_CLAIM, (now, now, process_id, job.seq, job.id, job.attempt)):
                raise ClaimLost(f"{job.id} is no longer queued in attempt {job.attempt}.")
            event = Event(event="claimed", detail={"process": process_id, **self._carried(job)})
            self._note(job.seq, event, attempt=job.attempt + 1, now=now)
        return job._replace(
            status=Status.RUNNING,
            reason=None,
            waiting_info=None,
            wake_at=None,
            gauge=None,
            reaches=None,
            attempt=job.attempt + 1,
            started_at=now if job.started_at is None else job.started_at,
            updated_at=now,
            process_id=process_id,
            intent=None,
            intent_actor=None,
        )

    def _carried(self, job: Job) -> dict[str, object]:
        """Return where a later attempt goes on, for the history."""
        found = self._database.execute(_CURSOR, (_MOST_CURSOR_CHARACTERS, job.seq)) if job.attempt else []
        return {"cursor": found[0][0]} if found else {}

    def inputs_of(self, jobs: Sequence[Job]) -> dict[str, tuple[str, str | None]]:
        found = self._database.execute(_INPUTS, (json.dumps([job.seq for job in jobs]),))
        return {job_id: (args, cursor) for job_id, args, cursor in found}

    def steps(self, job_id: str, *, after: int, limit: int) -> list[Step]:
        with self._database.read():
            found = self._database.execute("SELECT seq FROM jobs WHERE id = ?", (job_id,))
            return self._steps(found[0][0], after=after, limit=limit) if found else []

    def save_step(self, claim: Claim, step: Step) -> None:
        at = step.saved_at or self.now()
        values = (step.name, step.kind, at, step.duration_ms, step.result, claim.job_id, claim.attempt)
        with self._database.write("save_step"):
            # One statement is the fence and the write; it does nothing if the attempt is over, if this is the first
            # save since a death, or if the step is known.
            if not self._database.change(_SAVE_STEP, values):
                seq, saved = self._fenced(claim)
                if not saved:
                    self._database.execute("UPDATE jobs SET saved = 1 WHERE seq = ?", (seq,))
                    self._database.execute(_SAVE_STEP, values)

    def save_checkpoint(self, claim: Claim, checkpoint: Checkpoint) -> None:
        now = self.now()
        with self._database.write("save_checkpoint"):
            seq, saved = self._fenced(claim)
            if checkpoint.cursor is not None or checkpoint.partial is not None:
                saved |= self._database.change(_SAVE_CHECKPOINT, (seq, checkpoint.cursor, checkpoint.partial))
            progress = None if checkpoint.progress is None else rows.progress_to_json(checkpoint.progress, now)
            self._database.execute(_SAVE_PROGRESS, (saved, now, progress, rows.to_json(checkpoint.extra), seq))

    def _fenced(self, claim: Claim) -> tuple[int, int]:
        """Return seq and `saved` of the job that the claim may write. Raise ClaimLost."""
        found = self._database.execute(_FENCE, (claim.job_id, claim.attempt))
        if not found:
            raise lost(claim)
        seq, saved = found[0]
        return seq, saved

    def last_end(self) -> Moment | None:
        moment: Moment = self._database.execute(_LAST_END)[0][0]
        return moment or None

    def running(self) -> list[Job]:
        return self._jobs(f"{_RUNNING} ORDER BY j.seq", ())

    def wanted(self) -> list[Job]:
        return self._jobs(f"{_RUNNING} AND j.intent IS NOT NULL ORDER BY j.seq", ())
