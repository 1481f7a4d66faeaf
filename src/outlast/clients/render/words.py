"""The short words of a job: its id for a table, its status, what is going on."""

from outlast.clients.render.progress import full_progress, short_progress
from outlast.clients.render.text import visible
from outlast.clients.render.times import span
from outlast.clients.render.waiting import waiting_words
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
    return _expectation(job, now) or _how_far(job, now)


def _how_far(job: Job, now: Moment) -> str:
    """Return progress; without any, what a waiting job waits for, and how long a running one has run."""
    if job.progress is not None and (words := short_progress(job.progress)):
        return visible(words)
    if job.status is Status.WAITING:
        return visible(waiting_words(job))
    seconds = elapsed_seconds(job, now)
    return f"for {span(seconds)}" if job.status is Status.RUNNING and seconds >= 1 else ""


def _expectation(job: Job, now: Moment) -> str:
    if job.status is not Status.WAITING or job.wake_at is None or job.reason in (Reason.CONDITION, Reason.PAUSED):
        return ""
    return _due(job.wake_at, now)


def _due(moment: Moment, now: Moment) -> str:
    words = span((moment - now) / 1000)
    return "due now" if words == "now" else f"in {words}"


def state_words(job: Job, now: Moment | None) -> str:
    """Return the status and for how long the job has run; without `now` only what does not change by itself."""
    seconds = 0.0 if now is None else elapsed_seconds(job, now)
    words = status_words(job)
    return f"{words} {span(seconds)}" if job.status is Status.RUNNING and seconds >= 1 else words


def detail_words(job: Job, now: Moment | None, bar_width: int = 0) -> str:
    """Return progress, its message, and what a waiting job waits for and how long still, on one line."""
    parts = [_countdown(job, now)] if job.status is Status.WAITING and now is not None else []
    if job.status is Status.WAITING and job.waiting_info:
        parts.append(waiting_words(job))
    if job.progress is not None:
        parts += [full_progress(job, bar_width).lstrip(), job.progress.message or ""]
    return "  ".join(visible(part) for part in parts if part)


def _countdown(job: Job, now: Moment) -> str:
    return "" if job.wake_at is None or job.reason is Reason.PAUSED else _due(job.wake_at, now)


def now_words(job: Job, now: Moment | None) -> str:
    """Return how a job stands on one line; without `now` only what does not change by itself."""
    return "  ".join(filter(None, (state_words(job, now), detail_words(job, now))))


def whose(job: Job) -> str:
    """Return account and key."""
    return " ".join(visible(name) for name in (job.account, job.key) if name)


def end_line(job: Job, now: Moment) -> str:
    """Return how a job ended (or stands), in one line."""
    words = f"{visible(job.id)} {status_words(job)}"
    if job.status.is_end and job.started_at is not None:
        words += f" after {format_duration(elapsed_seconds(job, now))}"
    return f"{words}: {visible(job.error)}" if job.error and job.status is Status.FAILED else words
