"""Giving queued jobs to processes."""

import errno
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

from outlast.core.errors import ClaimLost, StoreError
from outlast.core.job import Event, Job
from outlast.core.places import Places
from outlast.core.ports import Supervision
from outlast.core.status import Reason, Status
from outlast.engine.ending import Undertaker, Why
from outlast.engine.memory import is_light
from outlast.engine.pace import DEPTH, JOBS_PER_PROCESS
from outlast.engine.pages import page_of_steps
from outlast.engine.pool import CannotStart, JobProcess, Lodging, Pool, Stage
from outlast.engine.turn import Turn
from outlast.engine.wire import Wire

log = logging.getLogger("outlast")

SPARES = 2
"""So many processes wait for jobs that want one of their own: with one, two cores are not busy all the time."""
TIRED_SECONDS, SOON_SECONDS = 5.0, 0.5
"""How long no process is started after the machine had no room for one, and if an idle one was given up for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Which queues are served (none named: all), and of some how many jobs may run at once."""

    only: Sequence[str] = ()
    at_once: Mapping[str, int] = field(default_factory=dict)


class Due(NamedTuple):
    """A queued job, and what it goes on from: arguments and cursor as JSON."""

    job: Job
    args: str
    cursor: str | None


class Found(NamedTuple):
    """Queued jobs in their order. `is_cut`: there may be more."""

    due: list[Due]
    is_cut: bool


class Dispatcher:
    """Claims due jobs for processes that are ready, and sees that processes get ready."""

    def __init__(
        self,
        store: Supervision,
        pool: Pool,
        undertaker: Undertaker,
        wire: Wire,
        places: Places,
        queues: Queues,
    ) -> None:
        self._store = store
        self._pool = pool
        self._undertaker = undertaker
        self._wire = wire
        self._places = places
        self._queues = queues
        self._no_start_before: float | None = None
        self._saw_quick = False
        self._ahead: Found | None = None
        self._spare_for: Lodging | None = None
        self.backlog = False
        """Whether there may be queued jobs for which nobody was found."""

    def room(self) -> int:
        """Return how many more jobs may run now."""
        return self._pool.size - len(self._pool.in_stage(Stage.BUSY))

    def has_room(self) -> bool:
        """Tell whether a queued job may find a process, or have one started that is not on its way already."""
        return self.backlog and self.room() > (0 if self._pool.in_stage(Stage.IDLE) else len(self._pool.coming()))

    def is_hungry(self) -> bool:
        """Tell whether a process waits while jobs do, and none is on its way whose arrival will be heard."""
        is_rested = self._no_start_before is None and not self._pool.coming()
        return is_rested and self.has_room() and bool(self._pool.in_stage(Stage.IDLE))

    def is_rested(self) -> bool:
        """Tell whether it is time to try again after the machine had no room for a process."""
        return self._no_start_before is not None and monotonic() >= self._no_start_before

    def may_find(self, turn: Turn) -> bool:
        """Tell whether a job may be due: one was left over, or came in this turn, or an end makes room in a limit."""
        return self.backlog or turn.queues or bool(self._queues.at_once and turn.ended)

    def dispatch(self, turn: Turn) -> None:
        """Give due jobs to processes inside the batch of `turn`; start processes for those that find none.

        A job known to be short may go to a process that still runs another short one.
        """
        ready = self._pool.in_stage(Stage.IDLE) + turn.freed + turn.arrived
        coming = self._pool.coming(turn.arrived)
        room = self.room() + len(turn.freed) + turn.leaving
        loads = self._loads(turn, ready)
        limit = max(0, room) + (sum(DEPTH - len(process.jobs) for process in loads) if self._saw_quick else 0)
        if limit <= 0:
            self.backlog = True
            return
        self._saw_quick = False
        found = self._find(limit) if self._ahead is None or turn.queues else self._ahead
        self.backlog = found.is_cut or len(found.due) > limit
        for due in found.due[:limit]:
            job = due.job
            lodging = Lodging.of(job)
            weight = self._pool.pace.weight(job.spec)
            self._saw_quick = self._saw_quick or weight < 1
            process = _fit_for(job, lodging, ready)
            if process is not None:
                ready.remove(process)
            elif weight < 1:
                process = self._least_loaded(loads, lodging)
            if process is not None:
                self._claim(turn, due, process)
                if process in loads:
                    loads[process] += weight
                elif lodging.once:
                    self._spare_for = lodging
                continue
            self.backlog = True
            if room <= 0:
                return
            if lodging in coming:
                coming.remove(lodging)
            else:
                turn.at_last(self._make_ready, job)

    def look_ahead(self, ends: int | None) -> None:
        """Find due jobs for the next `dispatch` before its batch begins, where looking holds nobody up.

        `ends`: so many jobs will end well in the batch, and nothing else is said in it; None: anything may happen.
        """
        self._ahead = None
        if ends is not None and self.backlog and not self._queues.at_once:  # with a limit, what ends counts too
            busy = self._pool.in_stage(Stage.IDLE, Stage.BUSY)
            ahead = sum(DEPTH - len(process.jobs) for process in busy) if self._saw_quick else 0
            limit = max(0, self.room()) + min(ahead + ends, 2 * ends + DEPTH // 4)
            self._ahead = self._find(limit) if limit else None

    def _find(self, limit: int) -> Found:
        jobs = self._store.due(limit, queues=self._queues.only, at_once=self._queues.at_once)
        inputs = self._store.inputs_of(jobs) if jobs else {}
        due = [Due(job, *inputs[job.id]) for job in jobs if job.id in inputs]
        return Found(due, is_cut=len(jobs) == limit)

    def _loads(self, turn: Turn, ready: list[JobProcess]) -> dict[JobProcess, float]:
        """Return the processes that may take short jobs ahead, and how full they are when this turn is over."""
        loads = {process: 0.0 for process in ready if process.lodging is not None and not process.lodging.once}
        for process in self._pool.in_stage(Stage.BUSY):
            jobs = [job for n, job in process.jobs.items() if (process.identity.id, n) not in turn.ended]
            is_new = process.lodging is not None and not process.lodging.once
            weights = [self._pool.pace.weight(job.spec) for job in jobs]
            if jobs and is_new and process.connection and max(weights) < 1:
                loads[process] = sum(weights)
        return loads

    def _least_loaded(self, loads: dict[JobProcess, float], lodging: Lodging) -> JobProcess | None:
        fitting = [process for process, load in loads.items() if load < 1 and process.lodging == lodging]
        # What was handed over and what ends in this very turn is not among the jobs run yet.
        fitting = [process for process in fitting if process.jobs_run + len(process.jobs) + DEPTH < JOBS_PER_PROCESS]
        return min(fitting, key=lambda process: loads[process], default=None)

    def _claim(self, turn: Turn, due: Due, process: JobProcess) -> None:
        if not process.is_recorded:
            self._store.add_process(process.identity)
        try:
            claimed = self._store.claim(due.job, process.identity.id)
        except ClaimLost:  # somebody paused or cancelled it after it was read
            self.backlog = True
            return
        steps, more = page_of_steps(self._store, claimed.id, after=0) if due.job.attempt else ([], False)
        turn.changed = True
        turn.then(self._hand_over, process, claimed, due, {"steps": steps, "more": more})

    def _hand_over(self, process: JobProcess, job: Job, due: Due, done: Mapping[str, Any]) -> None:
        """After the commit: the process is told what to do, and what is done already."""
        message = {
            "op": "run",
            "job": job.id,
            "attempt": job.attempt,
            "target": job.spec.target,
            "account": job.account,
            "args": due.args,
            "cursor": due.cursor,
            **done,
            "retry_on": job.spec.policy.retry_on,
            "log": str(self._places.log(job.id)),
        }
        process.is_recorded = True
        if process.stage is Stage.IDLE:
            process.began = monotonic()
        if process.stage is not Stage.ENDING:
            process.stage = Stage.BUSY
        number = process.take(job)
        if process.connection is not None:  # if it is lost meanwhile, the death of the process tells the rest
            self._wire.send(process.connection, {**message, "n": number})

    def _make_ready(self, job: Job) -> None:
        """See that a process for this job comes up, in place of an idle one of another home if need be."""
        occupied = len(self._pool.in_stage(Stage.IDLE, Stage.BUSY)) + len(self._pool.coming())
        if occupied >= self._pool.size and not self._retire_one():
            return
        if self._no_start_before is not None and monotonic() < self._no_start_before:
            return
        self._no_start_before = None
        if self._pool.gives_up(Lodging.of(job)):
            self._give_up(job, f"{job.spec.home.interpreter} ended at once; {self._places.supervisor_log} tells why")
            return
        try:
            self._pool.start(Lodging.of(job))
        except CannotStart as error:
            self._give_up(job, str(error))
        except OSError as error:
            log.warning("No job process can be started now: %s", errno.errorcode.get(error.errno or 0, error))
            self._no_start_before = monotonic() + (SOON_SECONDS if self._retire_one() else TIRED_SECONDS)

    def prepare(self) -> None:
        """After all effects of a turn: see that there are processes for the next jobs that want one of their own.

        They are more than may run jobs at once, and take a moment to get ready, in which others run.
        """
        lodging, self._spare_for = self._spare_for, None
        if lodging is None or self._no_start_before is not None:
            return
        ready = [process.lodging for process in self._pool.in_stage(Stage.IDLE)]
        if [*ready, *self._pool.coming()].count(lodging) < SPARES:
            with suppress(OSError):  # then it is started when it is needed, or waited for
                self._pool.start_spare(lodging)

    def _retire_one(self) -> bool:
        """Give up the process that has been idle for the longest; False if none is."""
        idle = self._pool.in_stage(Stage.IDLE)
        if idle:
            self._undertaker.begin(min(idle, key=lambda process: process.since), Why.RETIRE, alone=True)
        return bool(idle)

    def _give_up(self, job: Job, cause: str) -> None:
        error = f"No process could be started for this job: {cause}"
        after = job._replace(status=Status.FAILED, reason=Reason.ERROR, error=error)
        with suppress(StoreError, ClaimLost):  # it stays queued, and the next turn tries again
            self._store.swap(job, after, Event(event="failed", attempt=job.attempt, detail={"error": error}))
            self.backlog = True  # who is told of its end is told by a job


def _fit_for(job: Job, lodging: Lodging, ready: Sequence[JobProcess]) -> JobProcess | None:
    limit = job.spec.policy.memory_limit_bytes
    return next((one for one in ready if one.lodging == lodging and is_light(one, limit)), None)
