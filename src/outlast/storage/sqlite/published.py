"""What jobs.json needs of the store: the newest jobs, with large results told but not read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from outlast.core.digests import sha256
from outlast.core.job import Job
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.rows import COLUMNS, Specs, job_of, json_text
from outlast.storage.sqlite.swaps import LARGE_RESULT_BYTES

_MARKS = "SELECT seq, completed_at IS NOT NULL, updated_at, attempt FROM jobs ORDER BY seq DESC LIMIT ?"
_SHORT = "coalesce(j.result, (SELECT CASE WHEN r.size IS NULL THEN r.result END FROM results r WHERE r.seq = j.seq))"
_PREVIEW = "CASE WHEN j.status <> 'completed' THEN (SELECT c.partial FROM checkpoints c WHERE c.seq = j.seq) END"
_PUBLISHED = (
    f"SELECT {COLUMNS}, NULL, {_SHORT}, (SELECT r.size FROM results r WHERE r.seq = j.seq),"
    f" (SELECT r.sha256 FROM results r WHERE r.seq = j.seq), {_PREVIEW}"
    " FROM jobs j WHERE j.seq IN (SELECT value FROM json_each(?))"
)
_JOB_COLUMNS = 33

Mark = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A job without its result, and beside it the result's JSON text, or size and SHA-256 of a large one."""

    job: Job
    result: str | None
    size: int | None = None
    sha256: str | None = None


def newest(database: Database, limit: int) -> list[tuple[int, Mark | None]]:
    """Return `seq` of the newest jobs; for a finished one also a mark that changes when the job does."""
    rows = database.execute(_MARKS, (limit,))
    return [(seq, (updated_at, attempt) if finished else None) for seq, finished, updated_at, attempt in rows]


def published(database: Database, specs: Specs, seqs: Sequence[int]) -> list[Published]:
    """Return these jobs, those that are gone left out, in no order."""
    found = database.execute(_PUBLISHED, (json.dumps(list(seqs)),))
    return [_of_row(job_of(row, specs), *row[_JOB_COLUMNS:]) for row in found]


def _of_row(job: Job, result: str | None, size: int | None, digest: str | None, preview: str | None) -> Published:
    if size is not None:
        return Published(job=job, result=None, size=size, sha256=digest)
    if result is not None or preview is None:
        return Published(job=job, result=json_text(result))
    raw = preview.encode()
    if len(raw) <= LARGE_RESULT_BYTES:
        return Published(job=job, result=json_text(preview))
    return Published(job=job, result=None, size=len(raw), sha256=sha256(raw).hex())
