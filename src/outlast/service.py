"""The use cases: the one API of the command line, MCP, the web and the library.

It knows the store only by its protocol, and the supervisor only as a doorbell.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from outlast import listing
from outlast.core.endcalls import with_default
from outlast.core.errors import Busy, Conflict, NotFound, OutlastError, StoreError, UsageError, WaitTimeout
from outlast.core.job import Details, Job, NewJob, Spec, Stats, Submitted
from outlast.core.pages import Page
from outlast.core.places import Places
from outlast.core.ports import Store
from outlast.core.query import Query
from outlast.core.schedules import Schedule, Scheduled, job_now
from outlast.missing import no_job

if TYPE_CHECKING:
    from outlast.acts import Act, Acts, Steered
    from outlast.lookout import Lookout, Witness

POLL_SECONDS = 1.0
"""How long to wait for a sign of the supervisor before looking anyway."""
PRUNE_BATCH = 1_000
PAGES_AT_ONCE = 2_000
READ_BATCH = 100
STEER_BATCH = 100
"""Jobs that are steered in one commit: it is shared, and a supervisor never waits long for its turn."""


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


class Service:
    """Jobs of one store, as somebody (`actor`, e.g. `cli:alice`) uses them."""

    def __init__(
        self,
        store: Store,
        places: Places,
        doorbell: Doorbell,
        *,
        actor: str,
        publish: Callable[[], None],
        witness: "Witness | None" = None,
        on_end: str | None = None,
    ) -> None:
        """`on_end`: what is called at the end of jobs that are submitted without a word about it."""
        self.store = store
        self.places = places
        self._doorbell = doorbell
        self._actor = actor
        self._publish = publish
        self._on_end = on_end
        self._witness = witness

    @property
    def _acts(self) -> "Acts":
        from outlast.acts import Acts

        return Acts(self.store, self._actor)

    @property
    def lookout(self) -> "Lookout":
        """The use cases that only look: prospects, failures, figures."""
        from outlast.lookout import Lookout

        return Lookout(self.store, self.places, self._witness)

    def submit(self, jobs: Sequence[NewJob]) -> list[Submitted]:
        """Store the jobs, all or none, and see that somebody runs them."""
        specs = {id(job.spec): self._with_end_call(job.spec) for job in jobs}
        ready = [job._replace(actor=job.actor or self._actor, spec=specs[id(job.spec)]) for job in jobs]
        answers = self.store.submit(ready)
        self._announce()
        return answers

    def _with_end_call(self, spec: Spec) -> Spec:
        """Return the spec with the call of the settings: those of the program that submits, kept with its job."""
        return with_default(spec, spec.home.env.get("OUTLAST_ON_END") or self._on_end)

    def get(self, job_id: str) -> Job:
        """Return the job with exactly this id. Raise NotFound."""
        job = self.store.get(job_id)
        if job is None:
            raise no_job(self.store, job_id)
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
            raise no_job(self.store, text)
        if len(found) > 1:
            names = ", ".join(job.id for job in found[:5])
            raise UsageError(f"{text!r} means several jobs: {names}.", "Type more of the id.")
        return found[0]

    def page(self, query: Query, *, cursor: str | None = None, limit: int = 50, patience: float = math.inf) -> Page:
        """Return a page of the jobs that match, newest first. Raise UsageError for a cursor that is none of ours.

        After `patience` seconds it is given out although it is not full, with the cursor from where to look on.
        """
        return listing.page(self.store, query, cursor=cursor, limit=limit, patience=patience)

    def matching(self, query: Query, before: int | None = None) -> Iterator[Job]:
        """Yield every job that matches, newest first; with `before` only those whose `seq` is below it."""
        return listing.matching(self.store, query, before)

    def details(self, job: Job) -> Details:
        """Return arguments, cursor, steps, events and process of a job."""
        return self.store.details(job)

    def hold(self, jobs: Sequence[Job], seconds: float) -> None:
        """Promise that these jobs stay for so long from now on; durable when it returns."""
        self.store.hold([job.id for job in jobs], seconds)

    def ensure(self) -> bool:
        """See that somebody runs what is unfinished; False if nobody does."""
        return self._doorbell.ensure()

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
        for [job] in self.watch([job_id], timeout, every):
            yield job

    def watch(
        self, job_ids: Sequence[str], timeout: float | None = None, every: float = POLL_SECONDS
    ) -> Iterator[list[Job]]:
        """Yield the jobs now, then again at least `every` seconds and after changes, until all have ended.

        Raise WaitTimeout; the jobs go on.
        """
        deadline = None if timeout is None else monotonic() + timeout
        ended: dict[str, Job] = {}
        self._doorbell.ensure()
        while True:
            jobs = [ended[job_id] if job_id in ended else self.get(job_id) for job_id in job_ids]
            self.mark_read([job for job in jobs if job.id not in ended])
            ended |= {job.id: job for job in jobs if job.status.is_end}
            yield jobs
            if len(ended) == len(set(job_ids)):
                return
            self._pause(deadline, next(job.id for job in jobs if job.id not in ended), every)

    def cancel(self, job: Job) -> Job:
        """Cancel a job: at once if it does not run, else the supervisor ends its process first.

        A finished job stays as it is. Return the job as it is now.
        """
        return self._changed(job, self._acts.cancel)

    def pause(self, job: Job) -> Job:
        """Keep a job from running until `resume`; a running one is stopped at its last checkpoint."""
        return self._changed(job, self._acts.pause)

    def resume(self, job: Job) -> Job:
        """Let a paused job run again, not before the time it waited for. Raise Conflict if it is not paused."""
        return self._changed(job, self._acts.resume)

    def retry(self, job: Job, *, cursor: str | None = None) -> Job:
        """Put a failed or cancelled job back into the queue: same id, finished steps kept. Raise Conflict.

        `cursor` (JSON text), when given, takes the place of the saved one.
        """
        return self._changed(job, partial(self._acts.retry, cursor=cursor))

    def answer(self, job: Job, value: Any = None, *, question: str | None = None, declined: bool = False) -> Job:
        """Answer what a job asks (`question`, if it asks several things at once), or decline to.

        Durable when it returns. Raise Conflict if it does not ask that, UsageError for an answer that does not fit.
        """
        return self._changed(job, partial(self._acts.answer, value=value, name=question, declined=declined))

    def remove(self, job: Job) -> None:
        """Remove a finished job and its log. Raise Conflict if it is unfinished."""
        with self.store.batch():
            self._acts.remove(job)
            forget_files(self.places, [job.id])
        self._announce()

    def steer(self, act: "Act", jobs: Iterable[Job]) -> Iterator["Steered"]:
        """Do the same with each job, STEER_BATCH in one commit, and yield what became of each.

        One for which it cannot be done harms no other. Raise StoreError or Busy; what was yielded is done.
        """
        once = self._acts.by_name(act)
        rest = iter(jobs)
        while batch := list(islice(rest, STEER_BATCH)):
            with self.store.batch():
                steered = [self._steered(job, once) for job in batch]
                forget_files(
                    self.places, [each.before.id for each in steered if each.after is None and each.error is None]
                )
            self._announce(wish=True)
            yield from steered

    def _steered(self, job: Job, once: Callable[[Job], bool]) -> "Steered":
        from outlast.acts import Steered

        try:
            with self.store.batch():
                self._settle(job, once)
        except (StoreError, Busy):
            raise
        except OutlastError as error:
            return Steered(before=job, error=error)
        return Steered(before=job, after=self.store.get(job.id))

    def prune(self, older_than_seconds: float) -> int:
        """Remove finished jobs that ended longer ago, read or not, except kept ones; return how many."""
        count = 0
        while gone := self._prune_some(older_than_seconds):
            count += gone
        if count:
            while self.store.give_back(PAGES_AT_ONCE):
                pass
            self._announce()
        return count

    def _prune_some(self, older_than_seconds: float) -> int:
        with self.store.batch():
            ids = self.store.prune(older_than_seconds=older_than_seconds, limit=PRUNE_BATCH)
            forget_files(self.places, ids)
        return len(ids)

    def put_schedule(self, schedule: Schedule, *, named: bool = True) -> bool:
        """Add a schedule, or change the one of its name; tell whether it is new.

        It begins with the next due time; an unchanged rule keeps the one it had, so that nothing is missed. Raise
        Conflict if the name belongs to other code, or, unless somebody has `named` it, to other arguments.
        """
        known = self.store.schedule(schedule.name)
        if known is not None and known.schedule.spec.target != schedule.spec.target:
            raise Conflict(
                f"The schedule {schedule.name} runs {known.schedule.spec.target}.",
                f"Give another name, or first: outlast schedule remove {schedule.name}.",
            )
        if known is not None and not named and known.schedule.args != schedule.args:
            raise Conflict(
                f"The schedule {schedule.name} has other arguments.",
                f"Give this one a name; to change that one, name it: {schedule.name}.",
            )
        next_at = schedule.timetable.next_time(self.store.now())
        is_new = self.store.put_schedule(schedule._replace(actor=schedule.actor or self._actor), next_at)
        self._announce()
        return is_new

    def schedule(self, name: str) -> Scheduled:
        """Return the schedule of this name. Raise NotFound."""
        found = self.store.schedule(name)
        if found is None:
            raise NotFound(f"There is no schedule {name!r:.120}.", "outlast schedule list shows what there is.")
        return found

    def schedules(self) -> list[tuple[Scheduled, Job | None]]:
        """Return every schedule, by name, with its last job if that still exists."""
        found = self.store.schedules()
        return [(each, self.last_of_schedule(each)) for each in found]

    def last_of_schedule(self, found: Scheduled) -> Job | None:
        """Return the last job of a schedule, None if it had none or it was removed."""
        return None if found.last_job_id is None else self.store.get(found.last_job_id)

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule; its jobs stay. Raise NotFound."""
        self.schedule(name)
        self.store.remove_schedule(name)
        self._announce()

    def pause_schedule(self, name: str) -> Scheduled:
        """Let a schedule submit nothing until it is resumed. Raise NotFound."""
        self.schedule(name)
        self.store.pause_schedule(name)
        self._announce()
        return self.schedule(name)

    def resume_schedule(self, name: str) -> Scheduled:
        """Let a paused schedule go on with its next due time; what was due meanwhile is not made up. Raise NotFound."""
        next_at = self.schedule(name).schedule.timetable.next_time(self.store.now())
        self.store.resume_schedule(name, next_at)
        self._announce()
        return self.schedule(name)

    def run_schedule_now(self, name: str) -> Submitted:
        """Submit a job of the schedule at once, beside its due times, also while it is paused. Raise NotFound."""
        job = job_now(self.schedule(name).schedule, self.store.now(), os.urandom(8), self._actor)
        answer = self.store.submit_scheduled(name, job)
        self._announce()
        return answer

    def stats(self) -> Stats:
        """Count the jobs."""
        return self.store.stats()

    def log_files(self, job: Job) -> list[Path]:
        """Return the existing log files of a job, oldest first."""
        return [path for path in self.places.logs_of(job.id) if path.exists()]

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

    def _changed(self, job: Job, once: Callable[[Job], bool]) -> Job:
        self._settle(job, once)
        self._announce(wish=True)
        return self.get(job.id)

    def _settle(self, job: Job, once: Callable[[Job], bool]) -> None:
        """Repeat a change that may meet a job which moves at the same time."""
        while not once(job):
            job = self.get(job.id)


def forget_files(places: Places, job_ids: Sequence[str]) -> None:
    """Remove the files of jobs, as far as that is possible; call it just before it is settled that they go.

    So no file is left without its job, and on a full disk this is what makes room.
    """
    for job_id in job_ids:
        for path in places.files_of(job_id):
            with suppress(OSError):
                path.unlink()
