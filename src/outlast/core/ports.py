"""The contracts a store is held to; tests/contract runs them against every store.

Every method is atomic, and durable when it returns. Inside `with store.batch():` the calls share one commit: they
are atomic together and durable when the block ends; an exception inside undoes them all. The store keeps the
time: it takes durations and moments, never `now`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from outlast.core.job import (
    Checkpoint,
    Claim,
    Details,
    Event,
    Job,
    NewJob,
    ProcessIdentity,
    Stats,
    Step,
    Submitted,
)
from outlast.core.moments import Moment
from outlast.core.pages import Stretch
from outlast.core.query import Query
from outlast.core.schedules import Firing, Schedule, Scheduled
from outlast.core.status import Intent

if TYPE_CHECKING:
    from outlast.core.figures import FailureGroup, Failures, Figures, Removed
    from outlast.core.questions import Question


class Jobs(Protocol):
    """What clients and the supervisor may do with jobs."""

    def batch(self, *, flush: bool = True) -> AbstractContextManager[None]:
        """Let the calls inside the block share one commit.

        Without `flush` a power cut may undo it, until the next commit that is flushed; a kill -9 never does.
        """

    def now(self) -> Moment:
        """Return the store's time."""

    def submit(self, jobs: Sequence[NewJob]) -> list[Submitted]:
        """Add all or none, due ones as `queued`, later ones as `waiting`/`time`; a known key answers with its job.

        Raise KeyConflict if a key is known with another kind, target or arguments. An id that is already stored
        answers as created: the same try came twice.
        """

    def get(self, job_id: str) -> Job | None:
        """Return the job with exactly this id."""

    def find(self, text: str, limit: int) -> list[Job]:
        """Return the jobs a person may mean by `text`: exact id, else exact key, else ≥ 4 first characters of the
        random part; newest first."""

    def last_of(self, actor: str) -> Job | None:
        """Return the job `actor` submitted last."""

    def page(self, query: Query, *, before: int | None, limit: int) -> Stretch:
        """Return at most `limit` (≥ 1) jobs that match, newest first, with `seq` below `before`.

        It looks at so many jobs only, and says where to go on: there may be more even if it found none.
        """

    def details(self, job: Job) -> Details:
        """Return arguments, cursor, steps (in order), events and process of a job."""

    def swap(self, before: Job, after: Job, event: Event, *, result: str | None = None, traceback: str = "") -> None:
        """Store `after` in place of `before`; raise ClaimLost if its status or attempt is no longer `before`'s.

        Written: status, reason, wake_at, attempt, tries, crashes, saved, started_at, completed_at, error,
        waiting_info, gauge, reaches, process_id, intent, read_at; `updated_at` becomes now. `result` (JSON text), when
        given, becomes the job's result. Leaving `running` clears process and intent. An end of a job that has `on_end`
        submits the call it asks for (core.endcalls) with it, and a call that completes counts as read.
        """

    def replace_cursor(self, job: Job, cursor: str) -> None:
        """Put another cursor (JSON text) in place of the saved one of a job that does not run."""

    def ask(self, job: Job, intent: Intent, actor: str) -> bool:
        """Note what is wanted of a running job; False if it is not running this attempt any more."""

    def keep_answer(self, job: Job, name: str, answer: str, actor: str) -> bool:
        """Keep the answer (the JSON text of its step) to the open question `name` of a waiting job, in the attempt
        that asked; False if the job has moved on, or was told already."""

    def hold(self, job_ids: Sequence[str], seconds: float) -> None:
        """Promise that these jobs stay for so long from now on, whatever is pruned; a longer promise stays."""

    def mark_read(self, job_ids: Sequence[str]) -> None:
        """Note that the end of these jobs was read: their retention counts from now on. Others are left alone."""

    def remove(self, job: Job, actor: str) -> None:
        """Remove a finished job and leave its history; raise Conflict if it is not finished."""

    def prune(self, *, older_than_seconds: float, limit: int, read: bool | None = None) -> list[str]:
        """Remove at most `limit` finished jobs that ended longer ago, except `keep` ones; return their ids. Those on
        `hold` stay, unless `read` is None.

        `read` True: only ends that were read, longer ago; False: only unread ones.
        """

    def forget(self, *, older_than_seconds: float, limit: int) -> int:
        """Forget the history of at most `limit` jobs removed longer ago; return how many. Their keys are free."""

    def removed(self, text: str) -> "Removed | None":
        """Return what is known of the job with this id or key that was removed last."""

    def count(self, query: Query) -> int:
        """Return how many jobs match."""

    def give_back(self, pages: int) -> bool:
        """Give free space, at most so many pages, back to the disk; tell whether more is left to give."""

    def stats(self) -> Stats:
        """Count the jobs."""

    def figures(self, *, hours: int, days: int, newest: int) -> "Figures":
        """Return the ends of the last hours and days, how long the `newest` of each kind took, what is waited for.

        Removed jobs count as long as their history stays.
        """

    def failures(self, *, since_seconds: float | None, limit: int) -> "Failures":
        """Return the `limit` groups with the newest failures, removed jobs included; None: since ever."""

    def failure(self, group: str, *, since_seconds: float | None) -> "FailureGroup | None":
        """Return one group of failures, None if nothing failed like this."""

    def failure_names(self) -> list[str]:
        """Return the error text of every group of failures, in no order."""

    def failed_jobs(
        self, group: str, *, since_seconds: float | None, before: tuple[Moment, int] | None, limit: int
    ) -> list[Job]:
        """Return at most `limit` jobs of a group, the newest failure first, after the one that failed at
        `before[0]` and has `seq` `before[1]`."""

    def ahead_of(self, job: Job) -> int:
        """Return how many queued jobs come before this queued one."""

    def supervisor_since(self) -> Moment | None:
        """Return when the supervisor took office, None without one."""

    def supervisor(self) -> ProcessIdentity | None:
        """Return who says it supervises this store."""

    def has_work(self, queues: Sequence[str] = ()) -> bool:
        """Tell whether a supervisor has anything to do: something queued, running, or waiting for a time, or a schedule
        that is not paused.

        `queues`, when given, are the only ones looked at.
        """

    def changes(self) -> int:
        """Return a number that changes whenever somebody else changed the store; cheap, also inside a batch."""

    def close(self) -> None:
        """Let go of the store."""


class Schedules(Protocol):
    """Rules that submit jobs; each has a name of its own."""

    def put_schedule(self, schedule: Schedule, next_at: Moment | None) -> bool:
        """Add a schedule, or put it in place of the one of its name, which stays paused if it is; tell whether it is
        new. A rule and time zone that are the same keep their next due time, others begin with `next_at`."""

    def schedules(self) -> list[Scheduled]:
        """Return every schedule, by name."""

    def schedule(self, name: str) -> Scheduled | None:
        """Return the schedule of this name."""

    def remove_schedule(self, name: str) -> bool:
        """Forget a schedule; its jobs stay. False if there was none."""

    def pause_schedule(self, name: str) -> bool:
        """Let a schedule submit nothing until it is resumed; False if there is none."""

    def resume_schedule(self, name: str, next_at: Moment | None) -> bool:
        """Let a paused schedule be due at `next_at`; one that is not paused stays as it is. False if there is none."""

    def submit_scheduled(self, name: str, job: NewJob) -> Submitted:
        """Add a job as the last one of the schedule, beside its due times."""


class Store(Jobs, Schedules, Protocol):
    """What clients may do."""


class Supervision(Store, Protocol):
    """What only the supervisor may do. The caller holds the supervisor lock."""

    def take_office(self, identity: ProcessIdentity) -> None:
        """Write down who supervises now."""

    def tidy(self) -> None:
        """Do what would otherwise hold up a later change. For when there is nothing else to do."""

    def leave_office(self, *, if_idle: bool, queues: Sequence[str] = ()) -> bool:
        """Clear the supervisor's row; with `if_idle` only if there is no work (in `queues`), else return False."""

    def add_process(self, identity: ProcessIdentity) -> None:
        """Remember a job process, before it gets its first job."""

    def drop_process(self, process_id: str) -> None:
        """Forget a job process that is proven dead."""

    def processes(self) -> list[ProcessIdentity]:
        """Return every job process that is remembered."""

    def wake(self, limit: int) -> int:
        """Put waiting jobs whose time has come into the queue; return how many."""

    def next_wake_seconds(self) -> float | None:
        """Return how long until the next waiting job or schedule is due (0 if it is), None without one."""

    def due_schedules(self, limit: int) -> list[Scheduled]:
        """Return unpaused schedules that are due, the earliest first, and those behind whose settled times the clock
        went back by a day."""

    def fire_schedule(self, before: Scheduled, firing: Firing) -> list[Submitted]:
        """Do with a schedule what was decided: add the job of each due time and note the next one, all or nothing.

        A due time that has had a job, whatever became of it, gets no other one. If overlaps are skipped, that stands
        in the history of the previous job. Nothing happens if the schedule is no longer as `before`.
        """

    def read_gauge(self, name: str, value: int, *, every_seconds: float) -> int:
        """Keep what a gauge says, and queue the jobs that wait for at most `value`; return how many.

        From now on `wake` queues, every `every_seconds`, the one that waits for the least, to read it again.
        """

    def due(self, limit: int, *, queues: Sequence[str] = (), at_once: Mapping[str, int] | None = None) -> list[Job]:
        """Return the next queued jobs: larger priority, then earlier due time, then earlier submission.

        `queues`, when given, are the only ones looked at. `at_once`: of a queue named in it no more jobs are returned
        than may run besides those that do.
        """

    def claim(self, job: Job, process_id: str) -> Job:
        """Give a queued job to a process: `running`, attempt + 1; return it so. Raise ClaimLost if it moved."""

    def inputs_of(self, jobs: Sequence[Job]) -> dict[str, tuple[str, str | None]]:
        """Return by id the JSON texts of the arguments and of the cursor, of those that are there."""

    def steps(self, job_id: str, *, after: int, limit: int) -> list[Step]:
        """Return finished steps in order, without the first `after`."""

    def save_step(self, claim: Claim, step: Step) -> None:
        """Keep a step's result; the same step of the same attempt once more changes nothing. Raise ClaimLost."""

    def put_questions(self, claim: Claim, questions: "Sequence[Question]") -> None:
        """Keep what a running job asks; a question of a name that is open already takes its place. Raise ClaimLost."""

    def save_checkpoint(self, claim: Claim, checkpoint: Checkpoint) -> None:
        """Keep what the checkpoint holds. Only a cursor or partial that differs counts as saved. Raise ClaimLost."""

    def last_end(self) -> Moment | None:
        """Return the newest moment at which a job ended, or was removed; None if none did."""

    def running(self) -> list[Job]:
        """Return the running jobs."""

    def wanted(self) -> list[Job]:
        """Return the running jobs that somebody wants stopped or paused."""
