"""The short words of a job: its id for a table, its status, what is going on, how old it is."""

from outlast.clients.render.progress import short_progress
from outlast.clients.render.text import visible
from outlast.core.durations import format_duration
from outlast.core.ids import split_id
from outlast.core.job import Job
from outlast.core.moments import Moment, to_iso
from outlast.core.status import Reason, Status
from outlast.core.view import elapsed_seconds

ID_DIGITS = 8
"""So much of the random part names one of a hundred thousand jobs in all but one case of a million."""


def short_id(job_id: str) -> str:
    """Return the first digits of the random part, by which a job is found; an imported id stays as it is."""
    parts = split_id(job_id)
    return visible(job_id) if parts is None else parts[2][:ID_DIGITS]


def status_words(job: Job) -> str:
    """Return `running`, `failed (timeout)`; what was asked of a running job is said too."""
    if job.intent is not None:
        return f"{job.status} ({job.intent} asked)"
    return f"{job.status} ({job.reason})" if job.reason else str(job.status)


def age(moment: Moment, now: Moment) -> str:
    """Return how long ago (or ahead) a moment is, in one unit: `4s`, `12m`, `3d`."""
    return format_duration(float(round(max(0.0, abs(now - moment) / 1000)))).partition(" ")[0].replace("0ms", "now")


def since(moment: Moment, now: Moment) -> str:
    """Return `2025-01-01 12:00:00 UTC, 4m 12s ago`, or `in 4m 12s`."""
    seconds = float(round(abs(now - moment) / 1000))
    span = format_duration(seconds)
    ago = "now" if seconds < 1 else f"in {span}" if moment > now else f"{span} ago"
    return f"{to_iso(moment)[:19].replace('T', ' ')} UTC, {ago}"


def detail(job: Job, now: Moment) -> str:
    """Return what is most worth knowing of a job in a few words: progress, error, what it waits for, how long it took."""
    if job.status is Status.FAILED:
        return visible(job.error or "")
    if job.status is Status.COMPLETED:
        return f"took {format_duration(elapsed_seconds(job, now))}"
    if job.status is Status.CANCELLED:
        return ""
    return _expectation(job, now) or (visible(short_progress(job.progress)) if job.progress else "")


def _expectation(job: Job, now: Moment) -> str:
    if job.status is not Status.WAITING or job.wake_at is None or job.reason is Reason.CONDITION:
        return ""
    return "due now" if job.wake_at <= now else f"in {format_duration(round((job.wake_at - now) / 1000))}"


def whose(job: Job) -> str:
    """Return account and key."""
    return " ".join(visible(name) for name in (job.account, job.key) if name)


def end_line(job: Job, now: Moment) -> str:
    """Return how a job ended (or stands), in one line."""
    words = f"{visible(job.id)} {status_words(job)}"
    if job.status.is_end and job.started_at is not None:
        words += f" after {format_duration(elapsed_seconds(job, now))}"
    return f"{words}: {visible(job.error)}" if job.error and job.status is Status.FAILED else words
