"""The store and the rules of the engine on one side, a small model on the other, and a clock that is moved by hand."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from outlast.acts import Acts
from outlast.core.errors import ClaimLost, Conflict, KeyConflict
from outlast.core.job import Checkpoint, Claim, Event, Job
from outlast.core.places import Places
from outlast.core.policies import Backoff, after_failure
from outlast.core.query import Query
from outlast.core.status import ENDS, UNFINISHED, Intent, Reason, Status
from outlast.engine.desk import counters, judged
from outlast.engine.ending import Ending, Undertaker, Why
from outlast.engine.launch import Launch
from outlast.engine.nursery import Nursery
from outlast.engine.pool import JobProcess, Pool, Stage, Starter
from outlast.engine.recovery import Recovery
from outlast.engine.turn import Turn
from outlast.engine.wire import Wire
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import Clock, new_job, parked, process, spec, step

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
MOST_ATTEMPTS = MOST_CRASHES = 2
RETRY_SECONDS = 10
BACKOFF = Backoff(least_seconds=RETRY_SECONDS, most_seconds=RETRY_SECONDS)
PROCESS = "process-1"
MOST_JOBS = 6
"""So few that most calls meet a job which others have just changed."""
KEYS = ("alpha", "beta")


@dataclass(slots=True)
class Known:
    """A job as it must be."""

    key: str | None
    args: str
    priority: int
    status: Status = Status.QUEUED
    reason: Reason | None = None
    attempt: int = 0
    tries: int = 0
    crashes: int = 0
    saved: bool = False
    wake_at: int | None = None
    intent: Intent | None = None
    ended_at: int = 0
    steps: list[str] = field(default_factory=list)
    cursor: str | None = None

    def move(self, status: Status, reason: Reason | None = None, wake_at: int | None = None) -> None:
        """Be in a status from now on."""
        self.status, self.reason, self.wake_at, self.intent = status, reason, wake_at, None

    @property
    def is_paused(self) -> bool:
        return self.reason is Reason.PAUSED

    def facts(self) -> tuple[object, ...]:
        """Return what is compared with the store."""
        counts = (self.attempt, self.tries, self.crashes, self.saved)
        return self.status, self.reason, *counts, self.wake_at, self.intent, self.key


def facts(job: Job) -> tuple[object, ...]:
    """Return the same of a stored job."""
    counts = (job.attempt, job.tries, job.crashes, job.saved)
    return job.status, job.reason, *counts, job.wake_at, job.intent, job.key


class Jobs(RuleBasedStateMachine):
    """Any calls in any order, those that come too late included."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="outlast-test-", dir=MEMORY))
        self.clock = Clock()
        self.known: dict[str, Known] = {}
        self.removed: dict[str, tuple[str, str]] = {}
        self.claims: list[Claim] = []
        self.open()
        # With something at hand, every call that follows can do something.
        for act in (self.submit, self.submit, self.submit, self.claim, self.claim):
            act(data)

    def open(self) -> None:
        """Open the store as a new program and a new supervisor do."""
        self.store = SqliteStore(self.directory / "jobs.db", clock=self.clock)
        places, launch = Places(self.directory), Launch(interpreter="", cwd="", log="", settings={})
        self.wire = Wire(self.directory / "socket")
        pool, undertaker = Pool(Starter(places, launch, Nursery(self.wire)), 1), Undertaker(0.0, lambda _: False)
        self.recovery = Recovery(self.store, pool, undertaker, places, watch=lambda _: None, max_crashes=MOST_CRASHES)

    def close(self) -> None:
        self.wire.close()
        self.store.close()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            assert self.store.check() == []
            self.close()
            shutil.rmtree(self.directory)

    def stored(self, job_id: str) -> Job:
        job = self.store.get(job_id)
        assert job is not None
        return job

    @precondition(lambda self: len(self.known) < MOST_JOBS)
    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from([None, None, *KEYS]))
        args = data.draw(st.sampled_from(["[1]", "[2]"]))
        delay, priority = data.draw(st.sampled_from([0, 0, 5])), data.draw(st.integers(0, 2))
        rules = spec(max_attempts=MOST_ATTEMPTS, backoff=BACKOFF)
        wanted = new_job(key=key, args=args, priority=priority)._replace(spec=rules, delay_seconds=delay or None)
        holders = {known.key: (job_id, known.args) for job_id, known in self.known.items() if known.key}
        holder = {**self.removed, **holders}.get(key or "")
        try:
            [answer] = self.store.submit([wanted])
        except KeyConflict:
            assert holder is not None
            assert holder[1] != args
            return
        if holder is not None:
            assert holder == (answer.job_id, args)
            assert not answer.created
            return
        assert answer.created
        known = self.known[wanted.id] = Known(key, args, priority)
        if delay:
            known.move(Status.WAITING, Reason.TIME, self.clock.at + delay * 1000)

    def claim(self, _: st.DataObject) -> None:
        queued = [known for known in self.known.values() if known.status is Status.QUEUED]
        due = self.store.due(99)
        assert len(due) == len(queued)
        if not due:
            return
        known = self.known[due[0].id]
        assert known.priority == max(each.priority for each in queued)
        claimed = self.store.claim(due[0], PROCESS)
        known.move(Status.RUNNING)
        known.attempt += 1
        assert self.store.inputs_of([claimed]) == {claimed.id: (known.args, known.cursor)}
        self.claims.append(claimed.claim)

    def drawn_claim(self, data: st.DataObject) -> Claim:
        """Return a claim of a running job, of this attempt or an earlier one, or the newest of all."""
        running = {job_id: known.attempt for job_id, known in self.known.items() if known.status is Status.RUNNING}
        current = [claim for claim in self.claims if claim.attempt == running.get(claim.job_id)]
        earlier = [claim for claim in self.claims if claim.job_id in running]
        return data.draw(st.sampled_from([*current, *current, *earlier] or self.claims))

    def owned(self, claim: Claim, write: Callable[[], object]) -> Known | None:
        """Let a claim write; return its job, None if it came too late and was refused."""
        known = self.known.get(claim.job_id)
        is_current = known is not None and known.status is Status.RUNNING and known.attempt == claim.attempt
        try:
            write()
        except ClaimLost:
            assert not is_current
            return None
        assert is_current, "a late write was taken"
        return known

    def save_a_step(self, data: st.DataObject) -> None:
        value, again = data.draw(st.sampled_from(["1", '"two"'])), data.draw(st.booleans())
        claim = self.drawn_claim(data)
        steps = self.known[claim.job_id].steps if claim.job_id in self.known else []
        name = steps[-1] if again and steps else f"step {len(steps)}"
        known = self.owned(claim, lambda: self.store.save_step(claim, step(name, value)))
        if known is not None:
            known.saved = True
            known.steps += [name] if name not in known.steps else []

    def save_a_checkpoint(self, data: st.DataObject) -> None:
        cursor = data.draw(st.integers(0, 3))
        claim = self.drawn_claim(data)
        known = self.owned(claim, lambda: self.store.save_checkpoint(claim, Checkpoint(cursor=str(cursor))))
        if known is not None:
            known.saved |= known.cursor != str(cursor)
            known.cursor = str(cursor)

    def swap(self, claim: Claim, change: Callable[[Job], Job], word: str) -> Known | None:
        """Let a claim end its attempt."""
        now = self.store.get(claim.job_id)
        before = now._replace(status=Status.RUNNING, reason=None, attempt=claim.attempt) if now else None
        if before is None:
            return None
        return self.owned(claim, lambda: self.store.swap(before, change(before), Event(event=word)))

    def end(self, known: Known, status: Status, reason: Reason | None = None) -> None:
        known.move(status, reason)
        known.ended_at = self.clock.at

    def finish(self, data: st.DataObject) -> None:
        if known := self.swap(self.drawn_claim(data), lambda job: job._replace(status=Status.COMPLETED), "completed"):
            self.end(known, Status.COMPLETED)

    def fail(self, data: st.DataObject) -> None:
        retryable = data.draw(st.booleans())

        def failed(job: Job) -> Job:
            policy, error = job.spec.policy, "ValueError: no"
            verdict = after_failure(policy, counters(job), error, because=Reason.ERROR, retryable=retryable, spread=0.5)
            return judged(job, verdict, self.clock.at)

        if known := self.swap(self.drawn_claim(data), failed, "failed"):
            known.tries, known.saved = known.tries + 1, False
            if retryable and known.tries < MOST_ATTEMPTS:
                known.move(Status.WAITING, Reason.RETRY, self.clock.at + RETRY_SECONDS * 1000)
            else:
                self.end(known, Status.FAILED, Reason.ATTEMPTS_EXHAUSTED if retryable else Reason.ERROR)

    def park(self, data: st.DataObject) -> None:
        wake_at = self.clock.at + data.draw(st.sampled_from([0, 7])) * 1000
        if known := self.swap(self.drawn_claim(data), lambda job: parked(job, Reason.TIME, wake_at), "waiting"):
            known.move(Status.WAITING, Reason.TIME, wake_at)

    def die(self, data: st.DataObject) -> None:
        running = [job_id for job_id, known in self.known.items() if known.status is Status.RUNNING]
        if not running:
            return
        why = data.draw(st.sampled_from([Why.CRASH, Why.CRASH, Why.INTERRUPT]))
        job_id = data.draw(st.sampled_from(running))
        known = self.known[job_id]
        dead = JobProcess(process(PROCESS), None, Stage.ENDING)
        dead.take(job := self.stored(job_id))
        ending = Ending(process=dead, why=why, job=job, family=dead.family, deadline=0.0, lives=lambda _: False)
        with self.store.batch():
            self.recovery.settle(Turn(self.wire), ending)
        if known.intent is Intent.CANCEL:
            self.end(known, Status.CANCELLED, Reason.USER)
        elif known.intent is Intent.PAUSE:
            known.move(Status.WAITING, Reason.PAUSED)
        elif why is Why.CRASH:
            self.crashed(known)
        else:
            known.move(Status.QUEUED)

    def crashed(self, known: Known) -> None:
        counted = not known.saved
        known.crashes, known.saved = known.crashes + counted, False
        if counted and known.crashes >= MOST_CRASHES:
            self.end(known, Status.FAILED, Reason.CRASH)
        else:
            known.move(Status.QUEUED)

    work: ClassVar[dict[str, Callable[[Any, st.DataObject], None]]] = {
        "claim": claim,
        "step": save_a_step,
        "checkpoint": save_a_checkpoint,
        "finish": finish,
        "fail": fail,
        "park": park,
        "die": die,
    }

    # Of many small rules most would be left out of most runs; so a supervisor has one, and a person another.
    @rule(
        data=st.data(),
        words=st.lists(st.sampled_from([*work, "claim", "claim", "step", "step", "die"]), min_size=2, max_size=8),
    )
    def a_supervisor_works(self, data: st.DataObject, words: list[str]) -> None:
        for word in words:
            if self.claims or word == "claim":
                self.work[word](self, data)
                self.the_store_is_what_the_model_says()

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        word=st.sampled_from(["cancel", "pause", "cancel", "pause", "resume", "resume", "retry", "retry", "remove"]),
    )
    def a_person_steers(self, data: st.DataObject, word: str) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.known)))
        known = self.known[job_id]
        try:
            assert getattr(Acts(self.store, "cli:alice"), word)(self.stored(job_id))
        except Conflict:
            assert not self.may(word, known)
            return
        assert self.may(word, known)
        self.after_steering[word](self, job_id, known)

    @staticmethod
    def may(word: str, known: Known) -> bool:
        match word:
            case "pause":
                return known.status in UNFINISHED
            case "resume":
                return known.is_paused
            case "retry":
                return known.status in (Status.FAILED, Status.CANCELLED)
            case "remove":
                return known.status in ENDS
        return True

    def cancelled(self, _: str, known: Known) -> None:
        if known.status is Status.RUNNING:
            known.intent = Intent.CANCEL
        elif known.status in UNFINISHED:
            self.end(known, Status.CANCELLED, Reason.USER)

    def paused(self, _: str, known: Known) -> None:
        if known.status is Status.RUNNING:
            known.intent = known.intent or Intent.PAUSE
        else:
            known.move(Status.WAITING, Reason.PAUSED, known.wake_at)

    def resumed(self, _: str, known: Known) -> None:
        if known.wake_at is not None and known.wake_at > self.clock.at:
            known.move(Status.WAITING, Reason.TIME, known.wake_at)
        else:
            known.move(Status.QUEUED)

    def retried(self, _: str, known: Known) -> None:
        known.move(Status.QUEUED)
        known.tries, known.crashes, known.saved = 0, 0, False

    def removed_by_a_person(self, job_id: str, _: Known) -> None:
        self.forget([job_id])

    after_steering: ClassVar[dict[str, Callable[[Any, str, Known], None]]] = {
        "cancel": cancelled,
        "pause": paused,
        "resume": resumed,
        "retry": retried,
        "remove": removed_by_a_person,
    }

    def prune(self, data: st.DataObject) -> None:
        seconds = data.draw(st.sampled_from([0, 5]))
        cutoff = self.clock.at - seconds * 1000
        old = {
            job_id
            for job_id, known in self.known.items()
            if known.status not in UNFINISHED and known.ended_at <= cutoff
        }
        assert set(self.store.prune(older_than_seconds=seconds, limit=99)) == old
        self.forget(sorted(old))

    def forget(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            known = self.known.pop(job_id)
            if known.key is not None:
                self.removed[known.key] = (job_id, known.args)

    def time_passes(self, data: st.DataObject) -> None:
        now = self.clock.move(data.draw(st.sampled_from([1, 4, 11, -3])))
        late = [known for known in self.known.values() if self.is_waiting_for(known, now)]
        assert self.store.wake(99) == len(late)
        for known in late:
            known.move(Status.QUEUED, None, known.wake_at)

    @staticmethod
    def is_waiting_for(known: Known, now: int) -> bool:
        is_waiting = known.status is Status.WAITING and not known.is_paused
        return is_waiting and known.wake_at is not None and known.wake_at <= now

    def start_again(self, _: st.DataObject) -> None:
        self.close()
        self.open()

    upkeep: ClassVar[dict[str, Callable[[Any, st.DataObject], None]]] = {
        "time": time_passes,
        "prune": prune,
        "restart": start_again,
    }

    @rule(data=st.data(), word=st.sampled_from([*upkeep, "time", "time"]))
    def it_gets_late(self, data: st.DataObject, word: str) -> None:
        self.upkeep[word](self, data)

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        if not hasattr(self, "store"):
            return
        stored = {job.id: job for job in self.store.page(Query(), before=None, limit=999).jobs}
        assert {job_id: facts(job) for job_id, job in stored.items()} == {
            job_id: known.facts() for job_id, known in self.known.items()
        }
        for job_id, known in self.known.items():
            assert [each.name for each in self.store.steps(job_id, after=0, limit=99)] == known.steps
