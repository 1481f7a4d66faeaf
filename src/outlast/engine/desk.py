"""What job processes say, and what is written down for it. Runs inside the batch of a turn."""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Protocol

from outlast.core.errors import ClaimLost, OutlastError, UsageError
from outlast.core.job import Checkpoint, Claim, Event, Job, Progress, Step, StepKind
from outlast.core.moments import Moment
from outlast.core.policies import Counters, Verdict, after_failure
from outlast.core.ports import Supervision
from outlast.core.questions import QUESTIONS, question_of
from outlast.core.status import REASONS, Reason, Status
from outlast.engine.ending import Undertaker, Why
from outlast.engine.identity import is_local
from outlast.engine.jobside.protocol import OK
from outlast.engine.logkeeper import LogKeeper
from outlast.engine.pace import JOBS_PER_PROCESS
from outlast.engine.pages import page_of_steps
from outlast.engine.pool import JobProcess, Pool, Stage
from outlast.engine.turn import Turn
from outlast.engine.wire import Connection

log = logging.getLogger("outlast")
LOST = {"op": "lost"}
_KINDS = {kind.value: kind for kind in StepKind}


class Calls(Protocol):
    """Use cases that a job may ask for: it never opens the store itself."""

    def __call__(self, method: str, params: Mapping[str, Any], *, caller: Job | None) -> Any:
        """Return the JSON answer. Raise OutlastError."""


class Desk:
    """Takes the messages of job processes."""

    def __init__(
        self,
        store: Supervision,
        pool: Pool,
        undertaker: Undertaker,
        *,
        calls: Calls,
        logs: LogKeeper,
        adopt: Callable[[str, int], JobProcess | None],
    ) -> None:
        self._store = store
        self._pool = pool
        self._undertaker = undertaker
        self._calls = calls
        self._logs = logs
        self._adopt = adopt
        self.astray: list[Job] = []
        self._by_op: dict[str, Callable[[Turn, JobProcess, dict[str, Any]], Mapping[str, Any] | None]] = {
            "step": self._step,
            "save": self._save,
            "steps": self._steps,
            "finish": self._finish,
            "call": self._call,
            "gauge": self._gauge,
        }

    def take(self, turn: Turn, connection: Connection, message: dict[str, Any]) -> None:
        """Carry out one message inside the batch; its answer goes out after the commit."""
        if message.get("op") == "hello":
            self._hello(turn, connection, message)
            return
        process = self._pool.get(connection.process_id or "")
        handler = self._by_op.get(str(message.get("op")))
        if process is None or handler is None:
            turn.answer(connection, LOST)
            return
        try:
            answer = handler(turn, process, message)
        except ClaimLost:
            answer = LOST
        except (KeyError, TypeError, ValueError):
            log.exception("Process %s sent a message that makes no sense; it is cut off.", process.identity.pid)
            answer = LOST
        except OutlastError as error:
            answer = {"op": "error", "code": error.code, "message": error.message, "fix": error.fix}
        if answer is not None:
            turn.answer(connection, answer)

    def _hello(self, turn: Turn, connection: Connection, message: dict[str, Any]) -> None:
        name = str(message.get("process"))
        held = [(int(number), Claim(job_id=job_id, attempt=attempt)) for number, job_id, attempt in message["jobs"]]
        process = self._pool.get(name)
        if process is not None and is_local(process.identity) and process.identity.pid != message["pid"]:
            turn.answer(connection, LOST)
            return
        if process is None and held and self._all_current(held):
            process = self._adopt(name, int(message["pid"]))
        if process is None or (process.jobs and not self._all_current(held)):
            turn.answer(connection, LOST)
            return
        turn.then(self._attach, process, connection, held)
        turn.answer(connection, {"op": "welcome"})
        if process.stage is Stage.STARTING and not held:
            turn.arrived.append(process)

    def _all_current(self, held: Sequence[tuple[int, Claim]]) -> bool:
        """Tell whether no later attempt of these jobs has begun; their ends may be known already."""
        jobs = [(self._store.get(claim.job_id), claim) for _, claim in held]
        return all(job is not None and job.attempt == claim.attempt for job, claim in jobs)

    def _attach(self, process: JobProcess, connection: Connection, held: Sequence[tuple[int, Claim]]) -> None:
        """After the commit: the process speaks through this connection, and has the jobs that it says it has."""
        connection.process_id = process.identity.id
        process.connection = connection
        if process.stage is Stage.STARTING:
            process.stage = Stage.IDLE
            self._pool.note_start(process)
        ours = {job.claim: job for job in process.jobs.values()}
        process.jobs = {number: ours.pop(claim) for number, claim in held if claim in ours}
        process.handed = max([process.handed, *(number for number, _ in held)])
        self.astray += ours.values()  # handed over, but it never arrived
        if process.stage is Stage.BUSY and process.lodging is not None and not process.jobs:
            self._undertaker.begin(process, Why.RETIRE)

    def _step(self, _turn: Turn, process: JobProcess, message: dict[str, Any]) -> Mapping[str, Any]:
        claim = _held(process, message).claim
        step = Step(
            name=message["name"],
            kind=_KINDS[message["kind"]],
            result=message["result"],
            duration_ms=message["ms"],
            attempt=claim.attempt,
        )
        self._store.save_step(claim, step)
        if "save" in message:
            self._store.save_checkpoint(claim, self._checkpoint(message["save"]))
        return OK

    def _save(self, _turn: Turn, process: JobProcess, message: dict[str, Any]) -> Mapping[str, Any] | None:
        self._store.save_checkpoint(_held(process, message).claim, self._checkpoint(message["save"]))
        return OK if message.get("wait") else None

    def _steps(self, _turn: Turn, process: JobProcess, message: dict[str, Any]) -> Mapping[str, Any]:
        steps, more = page_of_steps(self._store, _held(process, message).id, after=message["after"])
        return {"op": "steps", "steps": steps, "more": more}

    def _call(self, turn: Turn, process: JobProcess, message: dict[str, Any]) -> Mapping[str, Any]:
        """Do what a job asks for; a call that goes wrong undoes itself and harms nobody but its caller."""
        job = _held(process, message)
        turn.changed = turn.queues = True
        method = str(message["method"])
        try:
            with self._store.batch():
                return {"op": "ok", "value": self._calls(method, message["params"], caller=job)}
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UsageError(f"{method}: {error!r:.200}", "Check what the job passed to it.") from error

    def _gauge(self, turn: Turn, process: JobProcess, message: dict[str, Any]) -> None:
        """Keep what a job read of a gauge; it awaits no answer."""
        _held(process, message)
        self._read(turn, message["gauge"])

    def _read(self, turn: Turn, gauge: Mapping[str, Any]) -> None:
        self._store.read_gauge(gauge["name"], int(gauge["value"]), every_seconds=float(gauge["every"]))
        turn.changed = turn.puts_off = True

    def _finish(self, turn: Turn, process: JobProcess, message: dict[str, Any]) -> Mapping[str, Any] | None:
        number = process.number_of(message["job"], message["attempt"])
        if number is None or (process.identity.id, number) in turn.ended:
            turn.then(self._dismiss, process)
            return OK if self._all_current([(0, _claim(message))]) else LOST  # it was heard, but not confirmed
        self._logs.end(message["job"], message["ms"])
        if self._is_overruled(process, process.jobs[number], message):
            message = {**message, "outcome": "stopped"}
        self._settle(turn, process, process.jobs[number], message)
        turn.changed = True
        turn.queues = turn.queues or process.jobs[number].spec.policy.on_end is not None  # the call is a job, too
        turn.then(self._release, process, number, message)
        turn.ended.add((process.identity.id, number))
        ended = [other for other in process.jobs if (process.identity.id, other) in turn.ended]
        is_worn = process.jobs_run + len(ended) >= JOBS_PER_PROCESS
        if len(ended) == len(process.jobs) and not is_worn and self._is_fit(process, message):
            turn.freed.append(process)
        elif process.lodging is not None and process.lodging.once and process.stage is Stage.BUSY:
            turn.leaving += message["outcome"] != "stopped"
        return OK

    def _is_overruled(self, process: JobProcess, job: Job, message: Mapping[str, Any]) -> bool:
        """Tell whether the wish that a job should stop stands above how it ended: above all but a result.

        An error on the way out must not lead to a retry, nor a wait to a job that goes on after it was cancelled.
        """
        if message["outcome"] not in ("failed", "parked", "stale"):
            return False
        stored = self._store.get(job.id)
        if stored is not None and stored.claim == job.claim and stored.intent is not None:
            return True  # asked for, but not seen before this batch began
        ending = self._undertaker.of(process)
        return ending is not None and ending.job is job and ending.why is not Why.CRASH

    def _settle(self, turn: Turn, process: JobProcess, job: Job, message: dict[str, Any]) -> None:
        """Write down how the job ended; one that was stopped waits for the proof that its processes are dead."""
        save = message.get("save") or {}
        if save:
            if message["outcome"] == "completed":  # the result is all that stays; the cursor has done its duty
                save = {name: value for name, value in save.items() if name == "progress"}
            self._store.save_checkpoint(job.claim, self._checkpoint(save))
        {
            "completed": self._completed,
            "failed": self._failed,
            "parked": self._parked,
            "stale": self._put_back,
            "stopped": self._stopped,
        }[message["outcome"]](turn, process, job, message)

    def _completed(self, _turn: Turn, _process: JobProcess, job: Job, message: dict[str, Any]) -> None:
        after = job._replace(status=Status.COMPLETED, reason=None)
        self._store.swap(job, after, _event(job, "completed", message), result=message["result"])

    def _failed(self, turn: Turn, _process: JobProcess, job: Job, message: dict[str, Any]) -> None:
        verdict = after_failure(
            job.spec.policy,
            counters(job),
            message["error"],
            because=next((word for word in REASONS[Status.FAILED] if word == message.get("reason")), Reason.ERROR),
            retryable=message["retryable"],
            spread=random.random(),
        )
        after = judged(job, verdict, self._store.now())
        turn.puts_off = True
        word = "retrying" if verdict.status is Status.WAITING else "failed"
        event = _event(job, word, message, error=message["error"])
        self._store.swap(job, after, event, traceback=message["traceback"])

    def _parked(self, turn: Turn, _process: JobProcess, job: Job, message: dict[str, Any]) -> None:
        wait = message["wait"]
        if step := wait.get("step"):
            kept = Step(
                name=step["name"], kind=StepKind.WAIT, result=step["result"], duration_ms=0, attempt=job.attempt
            )
            self._store.save_step(job.claim, kept)
        if wait["reason"] == Reason.INPUT:
            self._store.put_questions(job.claim, [question_of(each) for each in wait["info"][QUESTIONS]])
        wake_at, gauge = self._wakes_at(wait), wait.get("gauge") or {}
        after = job._replace(
            status=Status.WAITING,
            reason=Reason(wait["reason"]),
            wake_at=wake_at,
            waiting_info=wait["info"] or None,
            gauge=gauge.get("name"),
            reaches=gauge.get("reaches"),
        )
        turn.puts_off = True
        detail = {"reason": wait["reason"], "wake_at": wake_at}
        self._store.swap(job, after, _event(job, "waiting", message, **detail))
        if gauge:
            self._read(turn, gauge)

    def _wakes_at(self, wait: Mapping[str, Any]) -> Moment | None:
        """Return when a wait is over; None if a gauge tells, or somebody who is asked."""
        if "gauge" in wait or wait["reason"] == Reason.INPUT:
            return None
        moment: Moment = wait["wake_at"] if "wake_at" in wait else self._store.now() + round(wait["delay"] * 1000)
        return moment

    def _put_back(self, turn: Turn, _process: JobProcess, job: Job, message: dict[str, Any]) -> None:
        turn.queues = True
        self._store.swap(job, job._replace(status=Status.QUEUED), _event(job, "put_back", message))

    def _stopped(self, turn: Turn, process: JobProcess, _job: Job, _message: dict[str, Any]) -> None:
        if self._undertaker.of(process) is None:  # SIGTERM came from elsewhere
            turn.then(self._undertaker.begin, process, Why.INTERRUPT)

    def _release(self, process: JobProcess, number: int, message: dict[str, Any]) -> None:
        """After the commit: the process goes on with its next job, is free, or ends."""
        ending = self._undertaker.of(process)
        if ending is not None:
            ending.hurry()
        if message["outcome"] == "stopped":
            return
        job = process.jobs.pop(number)
        if ending is not None and ending.job is job:
            ending.job = None
        self._pool.pace.note(job.spec, message["ms"])
        process.jobs_run += 1
        process.began = process.since = monotonic()
        is_fit = self._is_fit(process, message)
        if is_fit and process.jobs:
            return
        if is_fit and process.jobs_run < JOBS_PER_PROCESS:
            process.stage = Stage.IDLE
        elif ending is None and (process.lodging is not None or not process.jobs):
            self._undertaker.begin(process, Why.RETIRE, alone=message["clean"])

    def _dismiss(self, process: JobProcess) -> None:
        """After the commit: one that an earlier supervisor started, and whose ends are all heard, is not needed."""
        if process.lodging is None and not process.jobs and self._undertaker.of(process) is None:
            self._undertaker.begin(process, Why.RETIRE)

    def _is_fit(self, process: JobProcess, message: Mapping[str, Any]) -> bool:
        """Tell whether the end of this job leaves the process fit for another one."""
        lodging = process.lodging
        return (
            lodging is not None
            and not lodging.once
            and process.stage is Stage.BUSY
            and message["outcome"] not in ("stopped", "stale")
            and message["clean"]
        )

    def _checkpoint(self, save: Mapping[str, Any]) -> Checkpoint:
        progress = save.get("progress")
        return Checkpoint(
            cursor=save.get("cursor"),
            partial=save.get("partial"),
            progress=None if progress is None else Progress(**progress, updated_at=self._store.now()),
            extra=save.get("extra"),
        )


def judged(job: Job, verdict: Verdict, now: Moment) -> Job:
    """Return the job as the verdict leaves it."""
    wake_at = None if verdict.delay_seconds is None else now + round(verdict.delay_seconds * 1000)
    return job._replace(
        status=verdict.status,
        reason=verdict.reason,
        error=verdict.error if verdict.status is Status.FAILED else job.error,
        tries=verdict.tries,
        crashes=verdict.crashes,
        saved=False,
        wake_at=wake_at,
    )


def counters(job: Job) -> Counters:
    """Return what the policies count."""
    return Counters(tries=job.tries, crashes=job.crashes, saved=job.saved)


def _claim(message: Mapping[str, Any]) -> Claim:
    return Claim(job_id=message["job"], attempt=message["attempt"])


def _held(process: JobProcess, message: Mapping[str, Any]) -> Job:
    """Return the job that a message is about. Raise ClaimLost if its process does not have it."""
    number = process.number_of(message["job"], message["attempt"])
    if number is None:
        raise ClaimLost("This process does not have that job.")
    return process.jobs[number]


def _event(job: Job, word: str, message: Mapping[str, Any], **detail: object) -> Event:
    left = message.get("left")
    return Event(event=word, attempt=job.attempt, detail={**detail, **({"left_behind": left} if left else {})})
