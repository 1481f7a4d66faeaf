"""One job's change of state: compared, checked against the table of moves, and stored with its result."""

from typing import NamedTuple

from outlast.core.digests import sha256
from outlast.core.errorgroups import error_group
from outlast.core.errors import ClaimLost
from outlast.core.job import Claim, Job
from outlast.core.moments import Moment
from outlast.core.status import Status, check_move
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.rows import SHORT_CHARACTERS, cap_error, to_json

LARGE_RESULT_BYTES = 64 * 1024
"""Above this, lists and jobs.json show a result's size and digest in its place."""

_SWAP = (
    "UPDATE jobs SET status = ?, reason = ?, wake_at = ?, attempt = ?, tries = ?, crashes = ?, saved = ?,"
    " started_at = ?, completed_at = ?, updated_at = ?, error = ?, error_group = ?, waiting_info = ?, gauge = ?,"
    " reaches = ?, process_id = ?,"
    " intent = ?, intent_actor = ?, read_at = ?, extra = CASE WHEN ? THEN NULL ELSE extra END,"
    " result = ?"
    " WHERE seq = ? AND id = ? AND status = ? AND attempt = ?"
)
_SAVE_LONG_RESULT = "INSERT OR REPLACE INTO results (seq, result, size, sha256) VALUES (?, ?, ?, ?)"
_SAVE_TRACEBACK = (
    "INSERT INTO results (seq, traceback) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET traceback = excluded.traceback"
)


class Outcome(NamedTuple):
    """What a job leaves besides its state: a result (JSON text), and how it failed."""

    result: str | None = None
    traceback: str = ""


def swap(database: Database, before: Job, after: Job, outcome: Outcome, now: Moment) -> None:
    """Store `after` inside the caller's transaction; see Jobs.swap."""
    check_move(before.status, after.status, after.reason)
    result = outcome.result
    is_long = len(result or "") > SHORT_CHARACTERS
    values = (*_state(after, now), None if is_long else result)
    if not database.change(_SWAP, (*values, before.seq, before.id, before.status, before.attempt)):
        raise ClaimLost(f"{before.id} is no longer {before.status} in attempt {before.attempt}.")
    if before.status.is_end or (after.status is Status.COMPLETED and before.attempt > 1):
        # Of an earlier end, or an earlier try.
        database.execute("DELETE FROM results WHERE seq = ?", (before.seq,))
    if result is not None and is_long:
        database.execute(_SAVE_LONG_RESULT, (before.seq, *large_result(result)))
    if outcome.traceback:
        database.execute(_SAVE_TRACEBACK, (before.seq, outcome.traceback))


def _state(after: Job, now: Moment) -> tuple[object, ...]:
    ends, runs, waits = after.status.is_end, after.status is Status.RUNNING, after.status is Status.WAITING
    failed = after.status is Status.FAILED
    return (
        after.status,
        after.reason,
        None if ends or runs else after.wake_at,
        after.attempt,
        after.tries,
        after.crashes,
        int(after.saved),
        after.started_at,
        (now if after.completed_at is None else after.completed_at) if ends else None,
        now,
        cap_error(after.error),
        error_group(after.error or "") if failed else None,
        to_json(after.waiting_info) if waits else None,
        after.gauge if waits else None,
        after.reaches if waits else None,
        after.process_id if runs else None,
        after.intent if runs else None,
        after.intent_actor if runs else None,
        after.read_at if ends else None,
        ends,
    )


def large_result(result: str) -> tuple[str, int | None, str | None]:
    """Return a result, and its size and SHA-256 if it is large."""
    raw = result.encode()
    if len(raw) <= LARGE_RESULT_BYTES:
        return result, None, None
    return result, len(raw), sha256(raw).hex()


def lost(claim: Claim) -> ClaimLost:
    """Return the error of a write that comes too late."""
    return ClaimLost(f"Attempt {claim.attempt} of {claim.job_id} is over; what it wrote was refused.")
