"""The short words of a job: its id for a table, its status, what is going on."""

from outlast.clients.render.progress import short_progress
from outlast.clients.render.text import visible
from outlast.clients.render.times import span
from outlast.core.durations import format_duration
from outlast.core.ids import split_id
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.status import Reason, Status
from outlast.core.view import elapsed_seconds

ID_DIGITS = 8
"""So much of the random part names one of a hundred thousand jobs in all but one case of a million."""


def short_id(job_id: str) -> str:
    """Return the first digits of the random part, by which a job is found; an imported id stays as it is."""
    parts = split_id(job_id)
    return visible(job_id) if parts is None else parts[2][:ID_DIGITS]


def known_by(job_id: str) -> str:
    """Return what to type for a job: the short id if there is one."""
    return job_id if split_id(job_id) is None else short_id(job_id)


def status_words(job: Job) -> str:
    """Return `running`, `failed (timeout)`; what was asked of a running job is said too."""
    because = _because(job)
    return f"{job.status} ({because})" if because else str(job.status)


def status_cell(job: Job) -> str:
    """Return the same for a table: `failed: timeout`."""
    because = _because(job)
    return f"{job.status}: {because}" if because else str(job.status)


def _because(job: Job) -> str:
    return f"{job.intent} asked" if job.intent is not None else job.reason or ""


def detail(job: Job, now: Moment) -> str:
    """Return what is most worth knowing of a job in a few words: progress, error, when it is due, how long it took."""
    if job.status is Status.FAILED:
        return visible(job.error or "")
    if job.status is Status.COMPLETED:
        return f"took {format_duration(elapsed_seconds(job, now))}"
    if job.status is Status.CANCELLED:
        return ""
    return _expectation(job, now) or (visible(short_progress(job.progress)) if job.progress else "")


def _expectation(job: Job, now: Moment) -> str:
    if job.status is not Status.WAITING or job.wake_at is None or job.reason in (Reason.CONDITION, Reason.PAUSED):
        return ""
    return "due now" if job.wake_at <= now else f"in {span((job.wake_at - now) / 1000)}"


def whose(job: Job) -> str:
    """Return account and key."""
    return " ".join(visible(name) for name in (job.account, job.key) if name)


def end_line(job: Job, now: Moment) -> str:
    """Return how a job ended (or stands), in one line."""
    words = f"{visible(job.id)} {status_words(job)}"
    if job.status.is_end and job.started_at is not None:
        words += f" after {format_duration(elapsed_seconds(job, now))}"
    return f"{words}: {visible(job.error)}" if job.error and job.status is Status.FAILED else words
