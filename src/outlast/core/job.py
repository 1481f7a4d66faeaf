"""The values: what is submitted, what is stored, what a job process is given and gives back."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from outlast.core.moments import Moment
from outlast.core.policies import Policy
from outlast.core.status import Intent, Reason, Status

FOLLOWS = "follows"
"""The key of waiting_info that holds name → (factor, offset): what is shown is factor × the gauge's value + offset."""


class Home(NamedTuple):
    """Where a job's code runs: all that must be equal for two jobs to share a process."""

    interpreter: str
    path: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = {}


class Spec(NamedTuple):
    """What runs and under which rules; equal for all jobs of one function in one program, and stored once.

    `target` is `module:function` or `/absolute/file.py:function`.
    """

    kind: str
    target: str
    policy: Policy
    home: Home


class NewJob(NamedTuple):
    """One job to submit. `id` is made by the client before the first try, so that a repeated try adds nothing.

    `args` is the JSON text of `{"args": […], "kwargs": {…}}`. `delay_seconds` counts from the store's clock;
    `due_at` is absolute; at most one of them.
    """

    id: str
    spec: Spec
    args: str
    key: str | None = None
    account: str | None = None
    labels: Mapping[str, str] = {}
    queue: str = "default"
    priority: int = 0
    delay_seconds: float | None = None
    due_at: Moment | None = None
    actor: str = ""

    def as_object(self) -> dict[str, Any]:
        """Return all of it as it stands in JSON."""
        spec = {**self.spec._asdict(), "policy": self.spec.policy.as_object(), "home": self.spec.home._asdict()}
        return {**self._asdict(), "spec": spec}


class Submitted(NamedTuple):
    """The answer of the store: the job's id, and whether this call created it (False: its key was known)."""

    job_id: str
    created: bool


class Progress(NamedTuple):
    """How far a job says it is. `rate` is units of `done` per second, as the job measured it."""

    done: float | None = None
    total: float | None = None
    message: str | None = None
    rate: float | None = None
    updated_at: Moment = 0


class Job(NamedTuple):
    """One stored job: its state, without arguments, steps and events (see `Details`).

    `seq` rises with submission and orders pages. `wake_at` is when it may run next. `result` is JSON text: the
    result once completed, before it the preview (`partial`). `saved` says that something was saved since the last
    death of its process. A waiting job with a `gauge` is queued once that number `reaches` its value. `extra` holds
    keys of the job object that only its kind knows, and those of imported jobs. Somebody was promised that the job is
    there until `hold_until`.
    """

    seq: int
    id: str
    status: Status
    spec: Spec
    created_at: Moment
    updated_at: Moment
    reason: Reason | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None
    wake_at: Moment | None = None
    attempt: int = 0
    tries: int = 0
    crashes: int = 0
    saved: bool = False
    key: str | None = None
    account: str | None = None
    labels: Mapping[str, str] = {}
    queue: str = "default"
    priority: int = 0
    actor: str = ""
    error: str | None = None
    result: str | None = None
    progress: Progress | None = None
    waiting_info: Mapping[str, object] | None = None
    gauge: str | None = None
    reaches: int | None = None
    extra: Mapping[str, object] | None = None
    process_id: str | None = None
    intent: Intent | None = None
    intent_actor: str | None = None
    read_at: Moment | None = None
    hold_until: Moment | None = None

    @property
    def kind(self) -> str:
        return self.spec.kind

    @property
    def claim(self) -> "Claim":
        """The right to write this job, as long as its attempt is the current one."""
        return Claim(job_id=self.id, attempt=self.attempt)


class Claim(NamedTuple):
    """The fence: every write of a running job carries it, and is refused once the attempt moved on."""

    job_id: str
    attempt: int


class StepKind(StrEnum):
    STEP = "step"
    ITEM = "item"
    WAIT = "wait"
    ANSWER = "answer"


class Step(NamedTuple):
    """A finished step (or item of `each`, or wait): its name is unique in its job; `result` is JSON text.

    A wait keeps `{"until": moment}` or null, and is passed when that moment is; an answer keeps `{"answer": value}`,
    or `{"declined": true}` if nobody would give one.
    """

    name: str
    kind: StepKind
    result: str
    duration_ms: float
    attempt: int = 0
    saved_at: Moment = 0


class Checkpoint(NamedTuple):
    """What a job saves on its way; a field that is None stays as it was. `cursor` and `partial` are JSON text."""

    cursor: str | None = None
    partial: str | None = None
    progress: Progress | None = None
    extra: Mapping[str, object] | None = None


class ProcessIdentity(NamedTuple):
    """A process that cannot be taken for another: a pid alone may be reused.

    `start_ticks` is field 22 of /proc/PID/stat (elsewhere the creation time in µs); `pid_namespace` the inode of
    its pid namespace. `id` is our own name for it: it stands in its environment as OUTLAST_PROCESS_ID.
    """

    id: str
    pid: int
    start_ticks: int
    boot_id: str
    pid_namespace: str


class Event(NamedTuple):
    """One line of a job's history. `event` is a word such as `claimed`, `crashed`, `retrying`, `completed`."""

    event: str
    actor: str = ""
    attempt: int = 0
    at: Moment = 0
    detail: Mapping[str, object] = {}


class Details(NamedTuple):
    """All the rest of a job, for `show --verbose`."""

    args: str
    cursor: str | None
    traceback: str | None
    steps: tuple[Step, ...]
    events: tuple[Event, ...]
    process: ProcessIdentity | None


class Stats(NamedTuple):
    """Counts of the whole store: per status, and per kind the same."""

    by_status: Mapping[Status, int]
    by_kind: Mapping[str, Mapping[Status, int]]
    oldest_queued_at: Moment | None
