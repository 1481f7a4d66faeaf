"""Whole jobs that are added as they are: of an old file, an export, a backup. Inside the caller's transaction."""

import json
from collections.abc import Mapping
from typing import Any

from outlast.core.digests import sha256
from outlast.core.errorgroups import error_group
from outlast.core.job import Job, Spec
from outlast.core.moments import Moment
from outlast.core.status import Status
from outlast.storage.sqlite import rows
from outlast.storage.sqlite.rows import Execute
from outlast.storage.sqlite.submission import SEQ_PER_MS
from outlast.storage.sqlite.swaps import large_result

JOB_COLUMNS = (
    *("id", "kind", "status", "reason", "spec_id", "queue", "priority", "keep", "created_at", "started_at"),
    *(
        "updated_at",
        "completed_at",
        "wake_at",
        "read_at",
        "hold_until",
        "attempt",
        "tries",
        "crashes",
        "saved",
        "key",
        "account",
    ),
    *("actor", "labels", "progress", "waiting_info", "extra", "error"),
)
"""What a whole job has in its own row, besides what is short or derived."""

_ADDED = (*JOB_COLUMNS, "seq", "error_group", "result", "args")
_INSERT = f"INSERT INTO jobs ({', '.join(_ADDED)}) VALUES ({', '.join('?' * len(_ADDED))})"
_END_OF_RUN = (
    "SELECT a.seq + 1 FROM jobs a WHERE a.seq >= ? AND NOT EXISTS (SELECT 1 FROM jobs b WHERE b.seq = a.seq + 1)"
    " ORDER BY a.seq LIMIT 1"
)
_INSERT_RESULT = "INSERT INTO results (seq, result, size, sha256, traceback) VALUES (?, ?, ?, ?, ?)"


class Additions:
    """Adds jobs to a store, in the order of their submission."""

    def __init__(self, execute: Execute, now: Moment) -> None:
        self._execute = execute
        self._now = now
        self._last: int | None = None
        self._specs: dict[str, int] = {}
        self.keys_taken = 0

    def add(self, job: Mapping[str, Any], *, seq: int | None = None) -> int | None:
        """Add a job given by its columns (JOB_COLUMNS, result, args, cursor, partial, traceback); return its `seq`.

        None, with nothing added, if its id is known. `seq` is used if it is free. A key that another job has stays
        with that one, and is only shown with this one.
        """
        if self._execute("SELECT 1 FROM jobs WHERE id = ?", (job["id"],)):
            return None
        if job["key"] is not None and self._execute("SELECT 1 FROM jobs WHERE key = ?", (job["key"],)):
            job = _without_key(job)
            self.keys_taken += 1
        if seq is None or self._is_taken(seq):
            seq = self._free_seq(job["created_at"])
        self._last = seq
        result, args = _short(job.get("result")), _short(job.get("args"))
        group = error_group(job["error"] or "") if job["status"] == Status.FAILED else None
        self._execute(_INSERT, (*(job[name] for name in JOB_COLUMNS), seq, group, result, args))
        self._add_the_rest(seq, job, result, args)
        return seq

    def _add_the_rest(self, seq: int, job: Mapping[str, Any], result: str | None, args: str | None) -> None:
        if job.get("args") is not None and args is None:
            self._execute("INSERT INTO inputs (seq, args) VALUES (?, ?)", (seq, job["args"]))
        long = job.get("result") if result is None else None
        if long is not None or job.get("traceback") is not None:
            facts = (None, None, None) if long is None else large_result(long)
            self._execute(_INSERT_RESULT, (seq, *facts, job.get("traceback")))
        if job.get("cursor") is not None or job.get("partial") is not None:
            values = (seq, job.get("cursor"), job.get("partial"))
            self._execute("INSERT INTO checkpoints (seq, cursor, partial) VALUES (?, ?, ?)", values)

    def spec(self, spec: Spec) -> int:
        """Return the row of a spec, which is added if it is new."""
        body = rows.spec_to_json(spec)
        if body not in self._specs:
            digest = sha256(body.encode())
            found = self._execute("SELECT id FROM specs WHERE digest = ?", (digest,)) or self._execute(
                "INSERT INTO specs (digest, body) VALUES (?, ?) RETURNING id", (digest, body)
            )
            self._specs[body] = int(found[0][0])
        return self._specs[body]

    def _free_seq(self, created_at: Moment) -> int:
        # A time of the future bounds nothing, and would make every later job one of the future.
        seq = max(0, min(created_at, self._now)) * SEQ_PER_MS
        if self._last is not None:
            seq = max(seq, self._last + 1)
        return int(self._execute(_END_OF_RUN, (seq,))[0][0]) if self._is_taken(seq) else seq

    def _is_taken(self, seq: int) -> bool:
        return bool(self._execute("SELECT 1 FROM jobs WHERE seq = ?", (seq,)))


def columns_of(job: Job) -> dict[str, Any]:
    """Return the columns of a job that stands in no store; its spec is left to the caller."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "reason": job.reason,
        "queue": job.queue,
        "priority": job.priority,
        "keep": int(job.spec.policy.keep),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "updated_at": job.updated_at,
        "completed_at": job.completed_at,
        "wake_at": job.wake_at,
        "read_at": job.read_at,
        "hold_until": job.hold_until,
        "attempt": job.attempt,
        "tries": job.tries,
        "crashes": job.crashes,
        "saved": int(job.saved),
        "key": job.key,
        "account": job.account,
        "actor": job.actor,
        "labels": rows.labels_to_json(job.labels),
        "progress": None if job.progress is None else rows.progress_to_json(job.progress, job.updated_at),
        "waiting_info": rows.to_json(job.waiting_info),
        "extra": rows.to_json(job.extra),
        "error": job.error,
        "result": job.result,
    }


def _short(text: str | None) -> str | None:
    return text if text is not None and len(text) <= rows.SHORT_CHARACTERS else None


def _without_key(job: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = {} if job["extra"] is None else json.loads(job["extra"])
    return {**job, "key": None, "extra": rows.to_json({**extra, "key": job["key"]})}
