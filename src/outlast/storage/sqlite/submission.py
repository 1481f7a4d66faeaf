"""Adding jobs: all or none, each id once, each key once."""

import json
from collections.abc import Sequence

import apsw

from outlast.core.codec import canonical
from outlast.core.digests import sha256
from outlast.core.errors import KeyConflict, UsageError
from outlast.core.job import NewJob, Spec, Submitted
from outlast.core.moments import Moment
from outlast.core.status import Reason, Status
from outlast.storage.sqlite.connection import Database, Row
from outlast.storage.sqlite.failures import readable
from outlast.storage.sqlite.rows import SHORT_CHARACTERS, Specs, labels_to_json

SEQ_PER_MS = 1024
"""seq ≥ created_at × this: a time of creation bounds seq without an index of its own, whatever the clock does."""

_PRINT_BYTES = 16

_COLUMNS = (
    "seq, id, kind, status, reason, spec_id, queue, priority, keep, created_at, updated_at, wake_at, key, account,"
    " actor, labels, args"
)
_INSERT_JOB = f"INSERT INTO jobs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# One statement for the usual single job: each statement costs more than its work, just after an fsync.
_INSERT_ONE = (
    f"INSERT INTO jobs ({_COLUMNS}) SELECT max(?1, (SELECT coalesce(max(seq), 0) + 1 FROM jobs)), ?2, ?3, ?4, ?5, ?6,"
    " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17 WHERE NOT EXISTS (SELECT 1 FROM history_keys WHERE key = ?13)"
)
_INSERT_INPUT = "INSERT INTO inputs (seq, args) VALUES (?, ?)"
_OF_KEY = (
    "SELECT j.id, j.spec_id, coalesce(j.args, i.args) FROM jobs j LEFT JOIN inputs i ON i.seq = j.seq"
    " WHERE j.key = ? AND j.key IS NOT NULL"
)


def submit(database: Database, specs: Specs, jobs: Sequence[NewJob], now: Moment) -> list[Submitted]:
    """Add the jobs inside the caller's transaction; see Jobs.submit."""
    if _insert_new(database, specs, jobs, now):
        return [Submitted(job_id=job.id, created=True) for job in jobs]
    with database.batch():
        first = next_seq(database, now)
        return [_submit_one(database, specs, job, first + place, now) for place, job in enumerate(jobs)]


def _insert_new(database: Database, specs: Specs, jobs: Sequence[NewJob], now: Moment) -> bool:
    """Insert all of them; False, with nothing inserted, if an id or a key is known."""
    try:
        if len(jobs) == 1 and len(jobs[0].args) <= SHORT_CHARACTERS:
            row = _row(jobs[0], now * SEQ_PER_MS, specs.row_of(jobs[0].spec), now)
            return bool(database.change(_INSERT_ONE, row))
        if _keys_in_history(database, jobs):
            return False
        with database.batch():
            _insert(database, specs, jobs, next_seq(database, now), now)
    except UsageError as error:
        if isinstance(error.__cause__, apsw.ConstraintError):
            return False
        raise
    return True


def next_seq(database: Database, now: Moment) -> int:
    """Return the smallest free seq that is above all others and fits the time."""
    newest = database.execute("SELECT max(seq) FROM jobs")[0][0]
    return max(now * SEQ_PER_MS, 0 if newest is None else newest + 1)


def _insert(database: Database, specs: Specs, jobs: Sequence[NewJob], first: int, now: Moment) -> None:
    spec_rows = {key: specs.row_of(spec) for key, spec in {id(job.spec): job.spec for job in jobs}.items()}
    rows = (_row(job, first + place, spec_rows[id(job.spec)], now) for place, job in enumerate(jobs))
    database.executemany(_INSERT_JOB, rows)
    long = [(first + place, job.args) for place, job in enumerate(jobs) if len(job.args) > SHORT_CHARACTERS]
    if long:
        database.executemany(_INSERT_INPUT, long)


def _row(job: NewJob, seq: int, spec_row: int, now: Moment) -> Row:
    wake_at = job.due_at
    if job.delay_seconds is not None:
        wake_at = now + round(job.delay_seconds * 1000)
    later = wake_at is not None and wake_at > now
    spec = job.spec
    return (
        seq,
        job.id,
        spec.kind,
        Status.WAITING if later else Status.QUEUED,
        Reason.TIME if later else None,
        spec_row,
        job.queue,
        job.priority,
        int(spec.policy.keep),
        now,
        now,
        wake_at,
        job.key,
        job.account,
        job.actor,
        labels_to_json(job.labels),
        None if len(job.args) > SHORT_CHARACTERS else job.args,
    )


def _submit_one(database: Database, specs: Specs, job: NewJob, seq: int, now: Moment) -> Submitted:
    if database.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)):
        return Submitted(job_id=job.id, created=True)
    if job.key is not None:
        known = _known_by_key(database, specs, job, job.key)
        if known is not None:
            return Submitted(job_id=known, created=False)
    _insert(database, specs, [job], seq, now)
    return Submitted(job_id=job.id, created=True)


def _known_by_key(database: Database, specs: Specs, job: NewJob, key: str) -> str | None:
    """Return the id of the job that has the key, also of a removed one. Raise KeyConflict if it is another's."""
    for job_id, spec_row, args in database.execute(_OF_KEY, (key,)):
        spec = specs.of_row(spec_row)
        same = (spec.kind, spec.target) == (job.spec.kind, job.spec.target)
        return _accepted(job_id, key, same and _same_json(args, job.args))
    return _known_by_removed_key(database, job, key)


def _known_by_removed_key(database: Database, job: NewJob, key: str) -> str | None:
    from outlast.storage.sqlite.history import History

    with readable(database.path):
        removed = History(database.execute).of_key(key)
    if removed is None:
        return None
    mark = fingerprint(job.spec, job.args)
    return _accepted(removed.id, key, mark == (removed.fingerprint or b"")[: len(mark)])


def _accepted(job_id: str, key: str, same: bool) -> str:
    if same:
        return job_id
    raise KeyConflict(
        f"The key {key!r:.200} belongs to {job_id}, which has another kind, target or other arguments.",
        f"Use another key; `outlast show {job_id} --verbose` shows that job.",
    )


def _keys_in_history(database: Database, jobs: Sequence[NewJob]) -> bool:
    keys = json.dumps([job.key for job in jobs if job.key is not None])
    sql = "SELECT EXISTS (SELECT 1 FROM history_keys WHERE key IN (SELECT value FROM json_each(?)))"
    return bool(database.execute(sql, (keys,))[0][0])


def fingerprint(spec: Spec, args: str) -> bytes:
    """Return what a removed job's key is compared by: a digest of kind, target and arguments.

    Older programs kept all of its 32 bytes; half of them tell two jobs apart as well.
    """
    text = "\0".join((spec.kind, spec.target, _canonical(args)))
    return sha256(text.encode("utf-8", "surrogatepass"))[:_PRINT_BYTES]


def _same_json(one: str, other: str) -> bool:
    return one == other or _canonical(one) == _canonical(other)


def _canonical(args: str) -> str:
    try:
        return canonical(json.loads(args))
    except ValueError:
        return args
