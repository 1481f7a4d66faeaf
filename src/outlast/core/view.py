"""The job object: what `show --json`, jobs.json, MCP and HTTP all show of a job."""

import math
from typing import Any

from outlast.core.codec import decode
from outlast.core.job import Job, Progress
from outlast.core.moments import Moment, to_iso
from outlast.core.status import Status


def job_object(job: Job) -> dict[str, Any]:
    """Return the JSON object of a job; keys that do not apply are absent.

    `extra` adds keys; it replaces one only in an imported job, whose fields are shown as they stood in its file.
    """
    view: dict[str, Any] = {
        "job_id": job.id,
        "status": str(job.status),
        "kind": job.kind,
        "created_at": to_iso(job.created_at),
        "started_at": to_iso(job.started_at if job.started_at is not None else job.created_at),
        "updated_at": to_iso(job.updated_at),
        "attempts": job.attempt,
    }
    if job.completed_at is not None:
        view["completed_at"] = to_iso(job.completed_at)
    if job.result is not None or job.status is Status.COMPLETED:
        view["result"] = None if job.result is None else decode(job.result)
    view.update(_when_set(job))
    for name, value in (job.extra or {}).items():
        if name not in view or not job.spec.target:
            view[name] = value
    return view


def result_told(job_id: str, size: int, sha256: str) -> dict[str, Any]:
    """Return what is shown in place of a large result."""
    return {"bytes": size, "sha256": sha256, "read_with": f"outlast show {job_id} --json"}


def _when_set(job: Job) -> dict[str, Any]:
    view: dict[str, Any] = {}
    if job.error is not None:
        view["error"] = job.error
    if job.reason is not None:
        view["reason"] = str(job.reason)
    if job.status is Status.WAITING and job.waiting_info is not None:
        view["waiting_info"] = dict(job.waiting_info)
    if job.progress is not None:
        view["progress"] = _progress_object(job.progress)
    if job.wake_at is not None and job.status is Status.WAITING:
        view["wake_at"] = to_iso(job.wake_at)
    plain = {
        "key": job.key,
        "account": job.account,
        "labels": dict(job.labels) or None,
        "queue": None if job.queue == "default" else job.queue,
        "priority": job.priority or None,
        "tries": job.tries or None,
        "crashes": job.crashes or None,
    }
    view.update({name: value for name, value in plain.items() if value is not None})
    return view


def _progress_object(progress: Progress) -> dict[str, Any]:
    left = eta_seconds(progress)
    values = {
        "done": progress.done,
        "total": progress.total,
        "message": progress.message,
        "rate": progress.rate,
        "eta_seconds": None if left is None else round(left, 1),
        "updated_at": to_iso(progress.updated_at),
    }
    return {name: value for name, value in values.items() if value is not None}


def eta_seconds(progress: Progress) -> float | None:
    """Return (total − done) / rate in seconds; None if one is unknown, or if at this rate there is no end."""
    if progress.done is None or progress.total is None or progress.rate is None or not progress.rate > 0:
        return None
    left = (progress.total - progress.done) / progress.rate
    return max(0.0, left) if math.isfinite(left) else None


def elapsed_seconds(job: Job, now: Moment) -> float:
    """Return the seconds from the first start to the end (or to `now`); 0 before the start."""
    if job.started_at is None:
        return 0.0
    end = now if job.completed_at is None else job.completed_at
    return max(0.0, (end - job.started_at) / 1000)
