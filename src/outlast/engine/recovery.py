"""Deaths: of job processes while the supervisor watches, and of everything before it came."""

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from outlast.core.errors import ClaimLost
from outlast.core.job import Event, Job, ProcessIdentity
from outlast.core.places import Places
from outlast.core.policies import Verdict, after_death, after_failure
from outlast.core.ports import Supervision
from outlast.core.status import Intent, Reason, Status
from outlast.engine.desk import counters, judged
from outlast.engine.ending import Ending, Undertaker, Why
from outlast.engine.exits import end_in_words
from outlast.engine.identity import boot_id, holds_lock, identify, lives
from outlast.engine.jobside.turnstile import Gate
from outlast.engine.oom import CAUSE as OUT_OF_MEMORY
from outlast.engine.oom import OomWatch
from outlast.engine.pool import JobProcess, Pool, Stage
from outlast.engine.turn import Turn

log = logging.getLogger("outlast")

LOOK_SECONDS = 1.0
_AS_KILLED = (-signal.SIGKILL, None)
"""How a process ends that was killed with SIGKILL; None: nobody saw how."""
NOBODY = ProcessIdentity(id="none", pid=0, start_ticks=0, boot_id="", pid_namespace="")


class Recovery:
    """Adopts what lives, ends what is left of the dead, and puts their jobs back."""

    def __init__(
        self,
        store: Supervision,
        pool: Pool,
        undertaker: Undertaker,
        places: Places,
        *,
        watch: Callable[[JobProcess], None],
        max_crashes: int,
    ) -> None:
        self._store = store
        self._places = places
        self._pool = pool
        self._undertaker = undertaker
        self._oom = OomWatch()
        self._watch = watch
        self._max_crashes = max_crashes
        self._looked = 0.0

    def take_over(self) -> None:
        """Look at every process and every running job that an earlier supervisor left."""
        identities = {identity.id: identity for identity in self._store.processes()}
        running: dict[str | None, list[Job]] = {}
        for job in self._store.running():
            running.setdefault(job.process_id, []).append(job)
        for process_id, jobs in running.items():
            identity = identities.get(process_id or "", NOBODY)
            process = self._found(identity, jobs)
            if self.lives(identity):
                self._watch(process)
                process.family.look()
                log.info("Adopted process %s, which runs %s.", identity.pid, ", ".join(job.id for job in jobs))
            else:
                rebooted = identity.boot_id not in ("", boot_id())
                self._undertaker.begin(process, Why.CRASH, rebooted=rebooted)
        for identity in identities.values():
            if identity.id not in running:
                process = JobProcess(identity, None, Stage.ENDING)
                self._pool.add(process)
                self._undertaker.begin(process, Why.RETIRE)
        self.sweep()

    def sweep(self) -> None:
        """Remove the locks of processes that died before they were written down."""
        known = {identity.id for identity in self._store.processes()}
        for path in self._places.run.glob("p*.lock"):
            if path.stem not in known and not holds_lock(path):
                path.unlink(missing_ok=True)

    def _found(self, identity: ProcessIdentity, jobs: Sequence[Job]) -> JobProcess:
        gate = Gate(self._places.process_lock(identity.id))
        process = JobProcess(identity, None, Stage.BUSY, gate=gate, began=self._began(jobs))
        for job in jobs:
            process.take(job)
        self._pool.add(process)
        return process

    def _began(self, jobs: Sequence[Job]) -> float:
        """Return when the running attempt began, on the monotonic clock."""
        if len(jobs) != 1:
            return monotonic()
        claims = [event.at for event in self._store.details(jobs[0]).events if event.event == "claimed"]
        return monotonic() - max(0.0, (self._store.now() - claims[-1]) / 1000) if claims else monotonic()

    def adopt(self, process_id: str, pid: int) -> JobProcess | None:
        """Take in a process that says it has just ended a job and was not heard; None if it is not what it says."""
        identity = identify(pid, process_id)
        if identity is None:
            return None
        process = self._found(identity, [])
        self._watch(process)
        return process

    def put_back(self, turn: Turn, job: Job) -> None:
        """Inside the batch: put a job that has not begun back where it came from, unless somebody wants it ended."""
        stored = self._running(job)
        if stored is not None:
            after, word = _returned(stored)
            self._swap(stored, after, Event(event=word, attempt=stored.attempt, actor=stored.intent_actor or ""))
            turn.changed = turn.queues = True

    def settle(self, turn: Turn, ending: Ending) -> None:
        """Inside the batch: write down what the proven end of a process means for its job."""
        for job in ending.process.jobs.values():
            if job is not ending.job:
                self.put_back(turn, job)
            elif (stored := self._running(job)) is not None:
                self._swap(stored, *self._after(stored, ending))
                turn.changed = turn.puts_off = turn.queues = True
        self._store.drop_process(ending.process.identity.id)
        turn.then(self._forget, ending)

    def _running(self, job: Job) -> Job | None:
        """Return the job as it is stored, None if this attempt is over."""
        stored = self._store.get(job.id)
        is_running = stored is not None and stored.status is Status.RUNNING and stored.attempt == job.attempt
        return stored if is_running else None

    def _swap(self, job: Job, after: Job, event: Event) -> None:
        try:
            self._store.swap(job, after, event)
        except ClaimLost:
            log.warning("%s moved on while its process ended.", job.id)

    def _after(self, job: Job, ending: Ending) -> tuple[Job, Event]:
        detail: dict[str, object] = {"pid": ending.process.identity.pid}
        if job.intent is not None:  # somebody wanted it to stop: whatever else ended it, it must not run again
            ending = replace(ending, why=Why.wanted(job.intent), actor=job.intent_actor or "")
        match ending.why:
            case Why.CANCEL:
                after = job._replace(status=Status.CANCELLED, reason=Reason.USER)
                return after, self._event("cancelled", job, ending, detail)
            case Why.PAUSE:
                after = job._replace(status=Status.WAITING, reason=Reason.PAUSED, wake_at=None)
                return after, self._event("paused", job, ending, detail)
            case Why.TIMEOUT:
                seconds = job.spec.policy.timeout_seconds or 0.0
                verdict = _failed(job, Reason.TIMEOUT, f"TimeoutError: ran longer than {seconds:g} s")
                return self._judged(job, verdict), self._event("timed_out", job, ending, detail)
            case Why.MEMORY:
                verdict = _failed(job, Reason.OUT_OF_MEMORY, f"MemoryError: {ending.words}")
                return self._judged(job, verdict), self._event("out_of_memory", job, ending, detail)
            case Why.INTERRUPT if job.spec.policy.on_interrupt == "resume":
                return job._replace(status=Status.QUEUED), self._event("put_back", job, ending, detail)
        cause, because = cause_of_death(ending.process), Reason.CRASH
        if ending.why is Why.CRASH and ending.process.exit_status in _AS_KILLED and self._oom.claim():
            cause, because = OUT_OF_MEMORY, Reason.OUT_OF_MEMORY
        verdict = after_death(
            job.spec.policy,
            counters(job),
            cause,
            because=because,
            rebooted=ending.rebooted,
            max_crashes=self._max_crashes,
        )
        detail |= {
            "cause": "the machine was restarted" if ending.rebooted else cause,
            "counted": verdict.crashes > job.crashes,
        }
        word = "interrupted" if ending.why is Why.INTERRUPT else "crashed"
        return self._judged(job, verdict), self._event(word, job, ending, detail)

    def _judged(self, job: Job, verdict: Verdict) -> Job:
        return judged(job, verdict, self._store.now())

    @staticmethod
    def _event(word: str, job: Job, ending: Ending, detail: dict[str, object]) -> Event:
        return Event(event=word, attempt=job.attempt, actor=ending.actor, detail=detail)

    def _forget(self, ending: Ending) -> None:
        self._undertaker.settle(ending)
        self._pool.remove(ending.process)
        self.forget_lock(ending.process)

    def forget_lock(self, process: JobProcess) -> None:
        """Remove the lock file of a process that has no job, and gets none any more."""
        self._places.process_lock(process.identity.id).unlink(missing_ok=True)

    def look_around(self) -> None:
        """Remember the descendants of adopted processes: when such a process dies, they do not become our children.

        And see how many processes the kernel has killed.
        """
        if monotonic() - self._looked > LOOK_SECONDS and (busy := self._pool.in_stage(Stage.BUSY)):
            self._looked = monotonic()
            self._oom.look()
            for process in busy:
                if process.lodging is None:
                    process.family.look()

    def lives(self, identity: ProcessIdentity) -> bool:
        """Tell whether a job process lives."""
        return lives(identity, self._places.process_lock(identity.id))


def _returned(job: Job) -> tuple[Job, str]:
    """Return a job that has not begun as it goes back, and the word for it."""
    if job.intent is Intent.CANCEL:
        return job._replace(status=Status.CANCELLED, reason=Reason.USER), "cancelled"
    if job.intent is Intent.PAUSE:
        return job._replace(status=Status.WAITING, reason=Reason.PAUSED, wake_at=None), "paused"
    return job._replace(status=Status.QUEUED), "put_back"


def _failed(job: Job, reason: Reason, error: str) -> Verdict:
    return after_failure(job.spec.policy, counters(job), error, because=reason, retryable=True, spread=0.5)


def cause_of_death(process: JobProcess) -> str:
    """Return `exit code 3`, `killed by SIGSEGV`, or that nobody saw it."""
    if process.exit_status is None:
        return "its process died while nobody watched"
    if process.exit_status == 0:
        return "exit code 0 before the job had ended"
    return end_in_words(process.exit_status)
