"""What the contract tests make: jobs, a clock that stands still until it is moved, and a store in a directory."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outlast.core.job import Event, Home, Job, NewJob, ProcessIdentity, Spec, Step, StepKind
from outlast.core.moments import Moment
from outlast.core.policies import Policy
from outlast.core.ports import Supervision
from outlast.core.status import Reason, Status
from outlast.storage.sqlite import SqliteStore

NOON = 1_735_732_800_000
"""2025-01-01T12:00:00Z, where the clock of every test begins."""

Opener = Callable[[Path, Callable[[], Moment]], Supervision]

STORES: dict[str, Opener] = {"sqlite": lambda directory, clock: SqliteStore(directory / "jobs.db", clock=clock)}
"""Every kind of store the contract is run against: how to open one in a directory."""

_numbers = itertools.count(1)


@dataclass
class Clock:
    """The store's time; it moves when it is told to."""

    at: Moment = NOON

    def __call__(self) -> Moment:
        return self.at

    def move(self, seconds: float) -> Moment:
        """Let time pass, or run backwards; return the new time."""
        self.at += round(seconds * 1000)
        return self.at


@dataclass
class Shop:
    """A directory with a store of one kind; `open` opens it once more, as another process would."""

    kind: str
    directory: Path
    clock: Clock = field(default_factory=Clock)
    opened: list[Supervision] = field(default_factory=list)

    def open(self) -> Supervision:
        store = STORES[self.kind](self.directory, self.clock)
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            store.close()


def spec(kind: str = "demo", *, target: str = "module:function", **rules: Any) -> Spec:
    """Return what runs; `rules` are fields of Policy."""
    home = Home(interpreter="python3", path=("/app",), cwd="/app", env={"OUTLAST_X": "1"})
    return Spec(kind=kind, target=target, policy=Policy(**rules), home=home)


def new_job(kind: str = "demo", *, args: str = '{"args":[],"kwargs":{}}', keep: bool = False, **fields: Any) -> NewJob:
    """Return a job to submit, with an id of its own."""
    number = next(_numbers)
    # Counted in the leading digits, so that a few of them are enough to find the job.
    made = NewJob(id=f"{kind}_{NOON}_{number:08x}{0:08x}", spec=spec(kind, keep=keep), args=args)
    return made._replace(**fields)


def submitted(store: Supervision, **fields: Any) -> Job:
    """Submit a job and return it as the store holds it."""
    [answer] = store.submit([new_job(**fields)])
    return stored(store, answer.job_id)


def stored(store: Supervision, job_id: str) -> Job:
    """Return a job that is known to be there."""
    job = store.get(job_id)
    assert job is not None
    return job


def running(store: Supervision, **fields: Any) -> Job:
    """Submit a job and claim it."""
    return store.claim(submitted(store, **fields), "process-1")


def ended(store: Supervision, status: Status = Status.COMPLETED, **fields: Any) -> Job:
    """Submit a job, claim it and end it; return it as the store holds it."""
    job = running(store, **fields)
    end(store, job, status)
    return stored(store, job.id)


REASON_OF_END = {Status.COMPLETED: None, Status.FAILED: Reason.ERROR, Status.CANCELLED: Reason.USER}


def end(store: Supervision, job: Job, status: Status = Status.COMPLETED, *, error: str = "ValueError: no") -> None:
    """End a running job now."""
    words = error if status is Status.FAILED else None
    after = job._replace(status=status, reason=REASON_OF_END[status], completed_at=store.now(), error=words)
    store.swap(job, after, Event(event=str(status)), result='{"ok":true}' if status is Status.COMPLETED else None)


def requeued(job: Job) -> Job:
    """Return the job as recovery puts it back."""
    return job._replace(status=Status.QUEUED, reason=None)


def parked(job: Job, reason: Reason, wake_at: Moment | None) -> Job:
    """Return the job as it waits."""
    return job._replace(status=Status.WAITING, reason=reason, wake_at=wake_at)


def step(name: str, result: str = "1") -> Step:
    """Return a finished step."""
    return Step(name=name, kind=StepKind.STEP, result=result, duration_ms=1.5)


def process(name: str) -> ProcessIdentity:
    """Return a process of that name."""
    return ProcessIdentity(id=name, pid=7, start_ticks=8, boot_id="boot", pid_namespace="4026531836")
