"""The use cases: the one API of the command line, MCP, the web and the library.

It knows the store only by its protocol, and the supervisor only as a doorbell.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Protocol

from outlast.core.errors import ClaimLost, Conflict, NotFound, Refused, UsageError, WaitTimeout
from outlast.core.job import Details, Event, Job, NewJob, Stats, Submitted
from outlast.core.places import Places
from outlast.core.ports import Jobs
from outlast.core.query import Query
from outlast.core.status import Intent, Reason, Status

POLL_SECONDS = 1.0
"""How long to wait for a sign of the supervisor before looking anyway."""
PRUNE_BATCH = 1_000
READ_BATCH = 100


class Doorbell(Protocol):
    """The way to the supervisor of a store."""

    def ring(self, *, wish: bool = False) -> bool:
        """Say that there is something to do (`wish`: with a running job), starting a supervisor if none lives.

        False if there is none.
        """

    def ensure(self) -> bool:
        """Start a supervisor if none lives and one may be started; False if there is none."""

    def tell_read(self, job_ids: Sequence[str]) -> bool:
        """Let the supervisor note that these ends were read; False if there is none to note it."""

    def wait(self, seconds: float) -> None:
        """Return when something may have changed, at the latest after `seconds`."""

    def close(self) -> None:
        """Let go of the supervisor."""


@dataclass(frozen=True, slots=True)
class Page:
    """Jobs, newest first, and the cursor of the next page (None: that was the last)."""

    jobs: list[Job]
    next_cursor: str | None


class Service:
    """Jobs of one store, as somebody (`actor`, e.g. `cli:alice`) uses them."""

    def __init__(
        self, store: Jobs, places: Places, doorbell: Doorbell, *, actor: str, publish: Callable[[], None]
    ) -> None:
        self.store = store
        self.places = places
        self._doorbell = doorbell
        self._actor = actor
        self._publish = publish

    def submit(self, jobs: Sequence[NewJob]) -> list[Submitted]:
        """Store the jobs, all or none, and see that somebody runs them."""
        answers = self.store.submit([replace(job, actor=job.actor or self._actor) for job in jobs])
        self._announce()
        return answers

    def get(self, job_id: str) -> Job:
        """Return the job with exactly this id. Raise NotFound."""
        job = self.store.get(job_id)
        if job is None:
            raise NotFound(f"There is no job {job_id!r:.120}.", "outlast list -a shows what there is.")
        return job

    def find(self, text: str) -> Job:
        """Return the job a person means: id, key, ≥ 4 characters of the random part, or @last.

        Raise NotFound, or UsageError with the candidates if several match.
        """
        if text == "@last":
            job = self.store.last_of(self._actor)
            if job is None:
                raise NotFound("You have submitted no job here yet.", "outlast list -a shows what there is.")
            return job
        found = self.store.find(text, 6)
        if not found:
            raise NotFound(f"There is no job {text!r:.120}.", "outlast list -a shows what there is.")
        if len(found) > 1:
            names = ", ".join(job.id for job in found[:5])
            raise UsageError(f"{text!r} means several jobs: {names}.", "Type more of the id.")
        return found[0]

    def page(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Return a page of the jobs that match, newest first. Raise UsageError for a cursor that is none of ours."""
        if not 1 <= limit <= 10_000:
            raise UsageError(f"{limit} is no page size.", "Use 1 to 10000.")
        before = None if cursor is None else _read_cursor(cursor)
        jobs = self.store.page(query, before=before, limit=limit + 1)
        more = len(jobs) > limit
        jobs = jobs[:limit]
        return Page(jobs, f"j{jobs[-1].seq}" if more else None)

    def matching(self, query: Query) -> Iterator[Job]:
        """Yield every job that matches, newest first."""
        before = None
        while jobs := self.store.page(query, before=before, limit=500):
            yield from jobs
            before = jobs[-1].seq

    def details(self, job: Job) -> Details:
        """Return arguments, cursor, steps, events and process of a job."""
        return self.store.details(job)

    def mark_read(self, jobs: Sequence[Job]) -> None:
        """Note that somebody has seen the end of those among `jobs` that have ended."""
        unread = [job.id for job in jobs if job.status.is_end and job.read_at is None]
        if unread and not (len(unread) <= READ_BATCH and self._doorbell.tell_read(unread)):
            self.store.mark_read(unread)

    def wait(self, job_ids: Sequence[str], timeout: float | None = None) -> list[Job]:
        """Return the jobs once all have ended. Raise WaitTimeout; the jobs go on."""
        deadline = None if timeout is None else monotonic() + timeout
        ended: dict[str, Job] = {}
        self._doorbell.ensure()
        while True:
            for job_id in job_ids:
                if job_id not in ended and (job := self.get(job_id)).status.is_end:
                    ended[job_id] = job
            if len(ended) == len(set(job_ids)):
                self.mark_read(list(ended.values()))
                return [ended[job_id] for job_id in job_ids]
            self._pause(deadline, next(job_id for job_id in job_ids if job_id not in ended))

    def follow(self, job_id: str, timeout: float | None = None, every: float = POLL_SECONDS) -> Iterator[Job]:
        """Yield the job now, then again at least `every` seconds and after changes, until it has ended."""
        deadline = None if timeout is None else monotonic() + timeout
        self._doorbell.ensure()
        while True:
            job = self.get(job_id)
            if job.status.is_end:
                self.mark_read([job])
                yield job
                return
            yield job
            self._pause(deadline, job_id, every)

    def cancel(self, job: Job) -> Job:
        """Cancel a job: at once if it does not run, else the supervisor ends its process first.

        A finished job stays as it is. Return the job as it is now.
        """
        return self._until_settled(job, self._cancel_once)

    def pause(self, job: Job) -> Job:
        """Keep a job from running until `resume`; a running one is stopped at its last checkpoint."""
        return self._until_settled(job, self._pause_once)

    def resume(self, job: Job) -> Job:
        """Let a paused job run again, not before the time it waited for. Raise Conflict if it is not paused."""
        if job.status is not Status.WAITING or job.reason is not Reason.PAUSED:
            raise Conflict(f"{job.id} is {_told(job)}, not paused.", f"outlast show {job.id} tells more.")
        if job.wake_at is not None and job.wake_at > self.store.now():
            after = replace(job, status=Status.WAITING, reason=Reason.TIME)
        else:
            after = replace(job, status=Status.QUEUED, reason=None, wake_at=None)
        self.store.swap(job, after, Event(event="resumed", actor=self._actor))
        self._announce()
        return self.get(job.id)

    def retry(self, job: Job) -> Job:
        """Put a failed or cancelled job back into the queue: same id, finished steps kept. Raise Conflict."""
        if not job.spec.target:
            raise Refused(f"{job.id} was imported and its code is not known here.", "Submit the work anew.")
        if job.status not in (Status.FAILED, Status.CANCELLED):
            raise Conflict(
                f"{job.id} is {_told(job)}; only failed and cancelled jobs are retried.",
                f"outlast show {job.id} tells more.",
            )
        after = replace(
            job, status=Status.QUEUED, reason=None, error=None, wake_at=None, tries=0, crashes=0, saved=False
        )
        self.store.swap(job, after, Event(event="retried", actor=self._actor))
        self._announce()
        return self.get(job.id)

    def remove(self, job: Job) -> None:
        """Remove a finished job and its log. Raise Conflict if it is unfinished."""
        self.store.remove(job, self._actor)
        self.forget_files([job.id])
        self._announce()

    def prune(self, older_than_seconds: float) -> int:
        """Remove finished jobs that ended longer ago, read or not, except kept ones; return how many."""
        count = 0
        while ids := self.store.prune(older_than_seconds=older_than_seconds, read_only=False, limit=PRUNE_BATCH):
            self.forget_files(ids)
            count += len(ids)
        if count:
            self._announce()
        return count

    def stats(self) -> Stats:
        """Count the jobs."""
        return self.store.stats()

    def log_files(self, job: Job) -> list[Path]:
        """Return the existing log files of a job, oldest first."""
        log = self.places.log(job.id)
        return [path for path in (log.with_suffix(".log.1"), log) if path.exists()]

    def forget_files(self, job_ids: Sequence[str]) -> None:
        """Remove the files of removed jobs."""
        for job_id in job_ids:
            log = self.places.log(job_id)
            for path in (log, log.with_suffix(".log.1"), self.places.cursor_file(job_id)):
                path.unlink(missing_ok=True)

    def announce(self) -> None:
        """Let the supervisor know that the store was changed directly, as by an import."""
        self._announce()

    def close(self) -> None:
        """Let go of the store and of the supervisor."""
        self._doorbell.close()
        self.store.close()

    def _announce(self, *, wish: bool = False) -> None:
        if not self._doorbell.ring(wish=wish):
            self._publish()

    def _pause(self, deadline: float | None, job_id: str, most: float = POLL_SECONDS) -> None:
        left = most if deadline is None else deadline - monotonic()
        if left <= 0:
            raise WaitTimeout(f"{job_id} has not ended yet; it goes on.", f"outlast wait {job_id} waits for it again.")
        self._doorbell.wait(min(left, most))

    def _until_settled(self, job: Job, once: Callable[[Job], bool]) -> Job:
        """Repeat a change that may meet a job which moves at the same time."""
        while not once(job):
            job = self.get(job.id)
        self._announce(wish=True)
        return self.get(job.id)

    def _cancel_once(self, job: Job) -> bool:
        if job.status.is_end:
            return True
        if job.status is Status.RUNNING:
            return self.store.ask(job, Intent.CANCEL, self._actor)
        after = replace(job, status=Status.CANCELLED, reason=Reason.USER)
        return self._swapped(job, after, Event(event="cancelled", actor=self._actor))

    def _pause_once(self, job: Job) -> bool:
        if job.status.is_end:
            raise Conflict(f"{job.id} is {job.status} and cannot be paused.", f"outlast show {job.id} tells more.")
        if job.status is Status.WAITING and job.reason is Reason.PAUSED:
            return True
        if job.status is Status.RUNNING:
            return self.store.ask(job, Intent.PAUSE, self._actor)
        after = replace(job, status=Status.WAITING, reason=Reason.PAUSED)
        return self._swapped(job, after, Event(event="paused", actor=self._actor))

    def _swapped(self, before: Job, after: Job, event: Event) -> bool:
        try:
            self.store.swap(before, after, event)
        except ClaimLost:
            return False
        return True


def _read_cursor(cursor: str) -> int:
    if not cursor.startswith("j") or not cursor[1:].isdecimal() or len(cursor) > 20:
        raise UsageError(f"{cursor!r:.60} is not a cursor of this list.", "Leave it out to begin at the newest.")
    return int(cursor[1:])


def _told(job: Job) -> str:
    return f"{job.status} ({job.reason})" if job.reason else str(job.status)
