"""What a person does with jobs, as changes that are struck at every file-system call."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from outlast.acts import Acts
from outlast.core.job import Checkpoint, Event, Job
from outlast.core.query import Query
from outlast.core.status import Reason, Status
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import end, parked, running, step, stored, submitted
from tests.contract.operations import (
    ID,
    LONG,
    changing,
    looking,
    one_of,
    open_store,
    with_queued_job,
    with_running_job,
)
from tests.faults.striker import Operation

ACTOR = "cli:alice"


def acting(name: str) -> Callable[[Path, Callable[[], None]], None]:
    """Return an act of a person on the job."""

    def act(store: SqliteStore, job: Job) -> None:
        assert getattr(Acts(store, ACTOR), name)(job)

    return changing(act)


def looks(judge: Callable[[SqliteStore, Job], object], before: object, after: object) -> Callable[[Path], str]:
    """Return a look at one job of a sound store."""
    return looking(lambda store: one_of(judge(store, stored(store, ID)), before, after))


def _history(store: SqliteStore, job: Job) -> tuple[Status, Reason | None, str]:
    return job.status, job.reason, store.details(job).events[-1].event


cancel = Operation(
    prepare=with_queued_job,
    act=acting("cancel"),
    look=looks(_history, (Status.QUEUED, None, "submitted"), (Status.CANCELLED, Reason.USER, "cancelled")),
)


def _wanted(store: SqliteStore, job: Job) -> object:
    return job.status, job.intent, job.intent_actor, [each.id for each in store.wanted()]


ask_to_cancel = Operation(
    prepare=with_running_job,
    act=acting("cancel"),
    look=looks(_wanted, (Status.RUNNING, None, None, []), (Status.RUNNING, "cancel", ACTOR, [ID])),
)

pause = Operation(
    prepare=with_queued_job,
    act=acting("pause"),
    look=looks(_history, (Status.QUEUED, None, "submitted"), (Status.WAITING, Reason.PAUSED, "paused")),
)


def with_paused_job(directory: Path) -> None:
    with closing(open_store(directory)) as store:
        assert Acts(store, ACTOR).pause(submitted(store, id=ID))


resume = Operation(
    prepare=with_paused_job,
    act=acting("resume"),
    look=looks(_history, (Status.WAITING, Reason.PAUSED, "paused"), (Status.QUEUED, None, "resumed")),
)


def with_failed_job(directory: Path) -> None:
    """Make a store with a job that failed after a step and a checkpoint."""
    with closing(open_store(directory)) as store:
        job = running(store, id=ID)
        store.save_step(job.claim, step("first", json.dumps(LONG)))
        store.save_checkpoint(job.claim, Checkpoint(cursor="1"))
        end(store, job, Status.FAILED)


def _retried(store: SqliteStore, job: Job) -> object:
    return job.status, job.error, store.details(job).cursor, len(store.steps(ID, after=0, limit=9))


retry = Operation(
    prepare=with_failed_job,
    act=changing(lambda store, job: Acts(store, ACTOR).retry(job, cursor="7")),
    look=looks(_retried, (Status.FAILED, "ValueError: no", "1", 1), (Status.QUEUED, None, "7", 1)),
)

read_end = Operation(
    prepare=with_failed_job,
    act=changing(lambda store, job: store.mark_read([job.id])),
    look=looks(lambda store, job: job.read_at is None, True, False),
)


def _removed(store: SqliteStore) -> str:
    steps = len(store.steps(ID, after=0, limit=9))
    known = store.failures(since_seconds=None, limit=9).groups
    jobs = [job.id for job in store.page(Query(), before=None, limit=9).jobs]
    return one_of((jobs, steps, sum(group.count for group in known)), ([ID], 1, 1), ([], 0, 1))


remove = Operation(prepare=with_failed_job, act=acting("remove"), look=looking(_removed))


def _park(store: SqliteStore, job: Job) -> None:
    store.swap(job, parked(job, Reason.RETRY, store.now() + 60_000), Event(event="retrying"), traceback=LONG)


park = Operation(
    prepare=with_running_job,
    act=changing(_park),
    look=looks(_history, (Status.RUNNING, None, "claimed"), (Status.WAITING, Reason.RETRY, "retrying")),
)


def _put_back(store: SqliteStore, job: Job) -> None:
    """Do what recovery does with the job of a dead process."""
    with store.batch():
        store.swap(job, job._replace(status=Status.QUEUED, crashes=1), Event(event="crashed"))
        store.drop_process("process-1")


put_back = Operation(
    prepare=with_running_job,
    act=changing(_put_back),
    look=looks(_history, (Status.RUNNING, None, "claimed"), (Status.QUEUED, None, "crashed")),
)

CHANGES = {
    **dict.fromkeys(
        (
            *("submit", "claim", "save_step", "save_first_step", "save_checkpoint", "finish", "fail", "prune"),
            *("put_schedule", "fire_schedule", "first_start", "back_up", "take_in"),
        ),
        "tests.contract.operations",
    ),
    **dict.fromkeys(
        ("cancel", "ask_to_cancel", "pause", "resume", "retry", "read_end", "remove", "park", "put_back"), __name__
    ),
}
"""Every change that promises something, and the module where it stands."""
