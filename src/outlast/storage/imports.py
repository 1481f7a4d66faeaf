"""Jobs of an old jobs.json as jobs of ours: every field is shown again exactly as it stood there."""

import json
import re
from collections.abc import Mapping
from typing import Any

from outlast.core.errors import UsageError
from outlast.core.ids import split_id
from outlast.core.job import Home, Job, Progress, Spec
from outlast.core.moments import Moment, from_iso
from outlast.core.policies import INTERRUPTED_WORDS, Policy
from outlast.core.status import REASONS, Reason, Status
from outlast.core.view import job_object

JsonObject = Mapping[str, Any]

UNKNOWN_KIND = "imported"
_KIND = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_KIND_OF_ID = re.compile(r"([A-Za-z][A-Za-z0-9_.-]{0,99}?)_\d+(?:_|\Z)")
_LARGEST = 2**53
"""Larger numbers stay what they are, but no column is made of them."""
_LONGEST_ERROR = 8192
_NOT_KEPT = frozenset({"completed_at", "error", "reason", "waiting_info", "difficulty_info", "wake_at"})
"""What an unfinished job of the file shows no more once it has failed."""

# ASCII keeps even a lone surrogate.
_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def imported_jobs(objects: JsonObject, now: Moment) -> list[Job]:
    """Return the jobs of a decoded jobs.json, oldest first; `seq` is left to the store.

    What is not completed, failed or cancelled has failed: interrupted, now. A value that is no object becomes such a
    job too and is kept in it.
    """
    jobs: list[Job] = []
    keys: set[str | None] = set()
    for name, value in objects.items():
        fields: JsonObject = value if isinstance(value, dict) else {"imported_value": value}
        if _end(fields.get("status")) is None:
            fields = _interrupted(fields)
        job = _imported_job(name.encode("utf-8", "backslashreplace").decode(), fields, now)
        if job.key in keys:
            # Only one job can have a key; the other one still shows it.
            job = job._replace(key=None)
        keys.add(job.key)
        jobs.append(_with_the_rest(job, fields))
    return sorted(jobs, key=lambda job: job.created_at)


def _interrupted(fields: JsonObject) -> JsonObject:
    kept = {name: value for name, value in fields.items() if name not in _NOT_KEPT}
    return {**kept, "status": "failed", "reason": str(Reason.INTERRUPTED), "error": INTERRUPTED_WORDS}


def _imported_job(job_id: str, fields: JsonObject, now: Moment) -> Job:
    status = _end(fields["status"]) or Status.FAILED
    started, ended = _moment(fields.get("started_at")), _moment(fields.get("completed_at"))
    return Job(
        seq=0,
        id=job_id,
        status=status,
        reason=_reason(fields.get("reason"), status),
        spec=_spec(job_id, fields),
        created_at=_created(job_id, fields, now),
        started_at=started,
        updated_at=_moment(fields.get("updated_at")) or ended or now,
        completed_at=ended or now,
        attempt=_number(fields.get("attempts"), 0 if started is None else 1),
        tries=_number(fields.get("tries"), 0),
        crashes=_number(fields.get("crashes"), 0),
        key=_text(fields.get("key")),
        account=_text(fields.get("account")),
        labels=_labels(fields.get("labels")),
        queue=_text(fields.get("queue")) or "default",
        priority=_number(fields.get("priority"), 0),
        actor="import",
        error=_error(fields.get("error"), status),
        result=_encode(fields["result"]) if "result" in fields else None,
        progress=_progress(fields.get("progress")),
    )


def _created(job_id: str, fields: JsonObject, now: Moment) -> Moment:
    split = split_id(job_id)
    told = (_moment(fields.get("created_at")), split and split[1], _moment(fields.get("started_at")))
    return min(now, next((moment for moment in told if moment is not None), now))


def _with_the_rest(job: Job, fields: JsonObject) -> Job:
    """Put into `extra` every field that the job would not show just as it was."""
    shown = job_object(job)
    extra = {
        name: value
        for name, value in fields.items()
        if name != "job_id" and (name not in shown or _encode(shown[name]) != _encode(value))
    }
    return job._replace(extra=extra or None)


def _spec(job_id: str, fields: JsonObject) -> Spec:
    kind = fields.get("kind")
    if not isinstance(kind, str) or not _KIND.match(kind):
        match = _KIND_OF_ID.match(job_id)
        kind = match[1] if match else UNKNOWN_KIND
    # No target: there is nothing that could run it again.
    return Spec(kind=kind, target="", policy=Policy(), home=Home(interpreter="", path=(), cwd=""))


def _end(status: object) -> Status | None:
    ends = {str(end): end for end in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)}
    return ends.get(status) if isinstance(status, str) else None


def _reason(reason: object, status: Status) -> Reason | None:
    return next((known for known in REASONS[status] if known == reason), None)


def _moment(value: object) -> Moment | None:
    if not isinstance(value, str):
        return None
    try:
        return from_iso(value)
    except (UsageError, OverflowError):
        return None


def _number(value: object, default: int) -> int:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= abs(value) <= _LARGEST
    return int(str(value)) if usable else default


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _error(value: object, status: Status) -> str | None:
    text = _text(value)
    return text if status is not Status.COMPLETED and text is not None and len(text) <= _LONGEST_ERROR else None


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(_text(each) is not None for pair in value.items() for each in pair):
        return {}
    return dict(value)


def _progress(value: object) -> Progress | None:
    if not isinstance(value, dict):
        return None
    at = _moment(value.get("updated_at"))
    numbers = [value.get(name) for name in ("done", "total", "rate")]
    if at is None or not all(number is None or _is_plain_number(number) for number in numbers):
        return None
    return Progress(
        done=numbers[0], total=numbers[1], rate=numbers[2], message=_text(value.get("message")), updated_at=at
    )


def _is_plain_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
