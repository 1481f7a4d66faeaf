"""The jobs that a new store begins with: those of an old jobs.json."""

import hashlib
from collections.abc import Sequence
from typing import Any

import apsw

from outlast.core.errorgroups import error_group
from outlast.core.job import Job, Spec
from outlast.core.status import Status
from outlast.storage.sqlite import rows
from outlast.storage.sqlite.submission import SEQ_PER_MS
from outlast.storage.sqlite.swaps import large_result

_INSERT = (
    "INSERT OR IGNORE INTO jobs (seq, id, kind, status, reason, spec_id, queue, priority, keep, created_at, started_at,"
    " updated_at, completed_at, attempt, tries, crashes, key, account, actor, labels, progress, extra, error,"
    " error_group, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_RESULT = "INSERT INTO results (seq, result, size, sha256) VALUES (?, ?, ?, ?)"
_INSERT_SPEC = "INSERT OR IGNORE INTO specs (digest, body) VALUES (?, ?)"


def add_first_jobs(connection: apsw.Connection, jobs: Sequence[Job]) -> None:
    """Add finished jobs, oldest first, to an empty store inside the caller's transaction."""
    specs: dict[str, int] = {}
    seq = 0
    for place, job in enumerate(jobs):
        seq = job.created_at * SEQ_PER_MS if place == 0 else max(seq + 1, job.created_at * SEQ_PER_MS)
        if job.kind not in specs:
            specs[job.kind] = _add_spec(connection, job.spec)
        is_long = len(job.result or "") > rows.SHORT_CHARACTERS
        connection.execute(_INSERT, _values(job, seq, specs[job.kind], None if is_long else job.result))
        if job.result is not None and is_long:
            connection.execute(_INSERT_RESULT, (seq, *large_result(job.result)))


def _add_spec(connection: apsw.Connection, spec: Spec) -> int:
    body = rows.spec_to_json(spec)
    digest = hashlib.sha256(body.encode()).digest()
    connection.execute(_INSERT_SPEC, (digest, body))
    found: list[tuple[Any, ...]] = connection.execute("SELECT id FROM specs WHERE digest = ?", (digest,)).fetchall()
    return int(found[0][0])


def _values(job: Job, seq: int, spec_row: int, result: str | None) -> tuple[str | int | None, ...]:
    failed = job.status is Status.FAILED
    return (
        seq,
        job.id,
        job.kind,
        job.status,
        job.reason,
        spec_row,
        job.queue,
        job.priority,
        job.created_at,
        job.started_at,
        job.updated_at,
        job.completed_at,
        job.attempt,
        job.tries,
        job.crashes,
        job.key,
        job.account,
        job.actor,
        rows.labels_to_json(job.labels),
        None if job.progress is None else rows.progress_to_json(job.progress, job.updated_at),
        rows.to_json(job.extra),
        job.error,
        error_group(job.error or "") if failed else None,
        result,
    )
