"""What a person does with a job: each act is one change of the store, made or not, for `Service` to repeat and tell."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from outlast.core.errors import ClaimLost, Conflict, OutlastError, Refused, UsageError
from outlast.core.job import Event, Job
from outlast.core.ports import Jobs
from outlast.core.questions import DECLINED, Question, answer_text, open_questions, waiting_object
from outlast.core.status import Intent, Reason, Status


class Act(StrEnum):
    """What a person does with jobs."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """What became of one job: as it is then (None: removed), or why nothing was done."""

    before: Job
    after: Job | None = None
    error: OutlastError | None = None


class Acts:
    """The acts of one person (`actor`). Each returns False if the job moved meanwhile: look at it again, and repeat."""

    def __init__(self, store: Jobs, actor: str) -> None:
        self._store = store
        self._actor = actor

    def by_name(self, act: Act) -> Callable[[Job], bool]:
        """Return the method of an act."""
        return {
            Act.CANCEL: self.cancel,
            Act.PAUSE: self.pause,
            Act.RESUME: self.resume,
            Act.RETRY: self.retry,
            Act.REMOVE: self.remove,
        }[act]

    def cancel(self, job: Job) -> bool:
        """Cancel a job at once, or ask for it if it runs; a finished one stays as it is."""
        if job.status.is_end:
            return True
        if job.status is Status.RUNNING:
            return self._store.ask(job, Intent.CANCEL, self._actor)
        after = job._replace(status=Status.CANCELLED, reason=Reason.USER)
        return self._swapped(job, after, Event(event="cancelled", actor=self._actor))

    def pause(self, job: Job) -> bool:
        """Pause a job, or ask for it if it runs. Raise Conflict if it is finished."""
        if job.status.is_end:
            raise Conflict(f"{job.id} is {job.status} and cannot be paused.", f"outlast explain {job.id} tells more.")
        if job.status is Status.WAITING and job.reason is Reason.PAUSED:
            return True
        if job.status is Status.RUNNING:
            return self._store.ask(job, Intent.PAUSE, self._actor)
        after = job._replace(status=Status.WAITING, reason=Reason.PAUSED)
        return self._swapped(job, after, Event(event="paused", actor=self._actor))

    def answer(self, job: Job, *, value: Any, name: str | None, declined: bool) -> bool:
        """Answer an open question, or decline it; after the last one that is open the job goes on, unless it is paused.

        Raise Conflict if it is not asked, UsageError for an answer that does not fit.
        """
        question = _asked(job, name)
        return self._answered(job, question, DECLINED if declined else answer_text(question, value))

    def _answered(self, job: Job, question: Question, answer: str) -> bool:
        rest = [each for each in open_questions(job) if each.name != question.name]
        info = waiting_object(rest) if rest else None
        if rest or job.reason is Reason.PAUSED:
            after = job._replace(waiting_info=info, saved=True)
        else:
            after = job._replace(status=Status.QUEUED, reason=None, wake_at=None, waiting_info=None, saved=True)
        event = Event(event="answered", actor=self._actor, detail={"question": question.name})
        try:
            with self._store.batch():
                if not self._store.keep_answer(job, question.name, answer, self._actor):
                    return False
                self._store.swap(job, after, event)
        except ClaimLost:
            return False
        return True

    def resume(self, job: Job) -> bool:
        """Let a paused job run again, not before the time it waited for. Raise Conflict if it is not paused."""
        if job.status is Status.RUNNING and job.intent is Intent.PAUSE:
            raise Conflict(f"{job.id} has not stopped yet; its pause was asked for.", "Resume it once it is paused.")
        if job.status is not Status.WAITING or job.reason is not Reason.PAUSED:
            raise Conflict(f"{job.id} is {_told(job)}, not paused.", f"outlast explain {job.id} tells more.")
        if open_questions(job):
            after = job._replace(status=Status.WAITING, reason=Reason.INPUT)
        elif job.wake_at is not None and job.wake_at > self._store.now():
            after = job._replace(status=Status.WAITING, reason=Reason.TIME)
        else:
            after = job._replace(status=Status.QUEUED, reason=None, wake_at=None)
        return self._swapped(job, after, Event(event="resumed", actor=self._actor))

    def retry(self, job: Job, *, cursor: str | None = None) -> bool:
        """Put a failed or cancelled job back into the queue. Raise Conflict for others, Refused for imported ones.

        `cursor` (JSON text), when given, takes the place of the saved one.
        """
        if not job.spec.target:
            raise Refused(f"{job.id} was imported and its code is not known here.", "Submit the work anew.")
        if job.status not in (Status.FAILED, Status.CANCELLED):
            raise Conflict(
                f"{job.id} is {_told(job)}; only failed and cancelled jobs are retried.",
                f"outlast explain {job.id} tells more.",
            )
        after = job._replace(
            status=Status.QUEUED, reason=None, error=None, wake_at=None, tries=0, crashes=0, saved=False
        )
        with self._store.batch():
            done = self._swapped(job, after, Event(event="retried", actor=self._actor))
            if done and cursor is not None:
                self._store.replace_cursor(job, cursor)
        return done

    def remove(self, job: Job) -> bool:
        """Remove a finished job. Raise Conflict if it is unfinished."""
        self._store.remove(job, self._actor)
        return True

    def _swapped(self, before: Job, after: Job, event: Event) -> bool:
        try:
            self._store.swap(before, after, event)
        except ClaimLost:
            return False
        return True


def _asked(job: Job, name: str | None) -> Question:
    """Return the open question that is meant. Raise Conflict, or UsageError if it could be several."""
    found = open_questions(job)
    if not found:
        raise Conflict(f"{job.id} is {_told(job)} and asks nothing.", f"outlast explain {job.id} tells more.")
    names = ", ".join(each.name for each in found)
    if name is None and len(found) > 1:
        raise UsageError(f"{job.id} asks several things: {names:.300}.", "Say which one (--question NAME).")
    chosen = next((each for each in found if name in (None, each.name)), None)
    if chosen is None:
        raise Conflict(f"{job.id} does not ask {name!r:.60}.", f"It asks {names:.300}.")
    return chosen


def _told(job: Job) -> str:
    return f"{job.status} ({job.reason})" if job.reason else str(job.status)
