"""What is struck at every file-system call: the changes of a store that promise something."""

import json
from collections.abc import Callable
from pathlib import Path

from outlast.core.job import Checkpoint, Event, Job, Progress
from outlast.core.query import Query
from outlast.core.schedules import Schedule, make_timetable
from outlast.core.status import Reason, Status
from outlast.durable import replace_file
from outlast.engine.schedules import fire_due
from outlast.storage.exchange.exporting import Export
from outlast.storage.exchange.importing import Wishes, import_file
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.view_file import ViewFile, import_view
from tests.contract.making import NOON, end, new_job, spec, step, stored, submitted
from tests.faults.striker import Operation

ID = "demo_1_00000000000000aa"
LONG = "x" * 20_000


def open_store(directory: Path) -> SqliteStore:
    return SqliteStore(directory / "jobs.db")


def with_running_job(directory: Path) -> None:
    """Make a store with one running job that has saved a step and a checkpoint."""
    store = open_store(directory)
    job = store.claim(submitted(store, id=ID), "process-1")
    store.save_step(job.claim, step("first"))
    store.save_checkpoint(job.claim, Checkpoint(cursor="1", partial="1"))
    store.close()


def with_queued_job(directory: Path) -> None:
    store = open_store(directory)
    submitted(store, id=ID)
    store.close()


def with_ended_jobs(directory: Path) -> None:
    store = open_store(directory)
    for number in range(3):
        job = store.claim(submitted(store, key=f"k{number}"), "process-1")
        store.save_step(job.claim, step("first", json.dumps(LONG)))
        end(store, job)
    store.close()


def changing(change: Callable[[SqliteStore, Job], object]) -> Callable[[Path, Callable[[], None]], None]:
    """Return an act: open the store, change the job, promise it, close."""

    def act(directory: Path, acknowledge: Callable[[], None]) -> None:
        store = open_store(directory)
        change(store, stored(store, ID))
        acknowledge()
        store.close()

    return act


def looking(judge: Callable[[SqliteStore], str]) -> Callable[[Path], str]:
    """Return a look: the judgement of a store that is sound."""

    def look(directory: Path) -> str:
        store = open_store(directory)
        try:
            return "; ".join(store.check()) or judge(store)
        finally:
            store.close()

    return look


def one_of(state: object, before: object, after: object) -> str:
    return "before" if state == before else "after" if state == after else f"in between: {state}"


def _submit(directory: Path, acknowledge: Callable[[], None]) -> None:
    store = open_store(directory)
    store.submit([new_job(id=f"demo_1_{number:016x}", key=f"k{number}", args=json.dumps(LONG)) for number in range(3)])
    acknowledge()
    store.close()


def _submitted(store: SqliteStore) -> str:
    jobs = store.page(Query(), before=None, limit=9).jobs
    return one_of([store.details(job).args == json.dumps(LONG) for job in jobs], [], [True] * 3)


submit = Operation(prepare=lambda directory: open_store(directory).has_work(), act=_submit, look=looking(_submitted))


def _claimed(store: SqliteStore) -> str:
    job = stored(store, ID)
    events = [event.event for event in store.details(job).events]
    state = (job.status, job.attempt, job.process_id, events)
    return one_of(
        state,
        (Status.QUEUED, 0, None, ["submitted"]),
        (Status.RUNNING, 1, "process-1", ["submitted", "claimed"]),
    )


claim = Operation(
    prepare=with_queued_job,
    act=changing(lambda store, job: store.claim(job, "process-1")),
    look=looking(_claimed),
)


def _saved_step(store: SqliteStore) -> str:
    steps = [(each.name, len(each.result)) for each in store.steps(ID, after=0, limit=9)]
    return one_of(steps, [("first", 1)], [("first", 1), ("second", len(LONG) + 2)])


save_step = Operation(
    prepare=with_running_job,
    act=changing(lambda store, job: store.save_step(job.claim, step("second", json.dumps(LONG)))),
    look=looking(_saved_step),
)


def _save_first_step(store: SqliteStore, job: Job) -> None:
    """Claim a job without a flush, as the supervisor does, and save a step of it."""
    with store.batch(flush=False):
        claimed = store.claim(job, "process-1")
    store.save_step(claimed.claim, step("second", json.dumps(LONG)))


def _saved_first_step(store: SqliteStore) -> str:
    job = stored(store, ID)
    state = (job.status, job.attempt, len(list(store.steps(ID, after=0, limit=9))))
    if state == (Status.RUNNING, 1, 0):  # nobody was promised the claim
        return "before"
    return one_of(state, (Status.QUEUED, 0, 0), (Status.RUNNING, 1, 1))


save_first_step = Operation(prepare=with_queued_job, act=changing(_save_first_step), look=looking(_saved_first_step))


def _save_checkpoint(store: SqliteStore, job: Job) -> None:
    store.save_checkpoint(job.claim, Checkpoint(cursor="2", partial=json.dumps(LONG), progress=Progress(done=2)))


def _saved_checkpoint(store: SqliteStore) -> str:
    job = stored(store, ID)
    done = None if job.progress is None else job.progress.done
    return one_of((store.details(job).cursor, job.result, done), ("1", "1", None), ("2", json.dumps(LONG), 2))


save_checkpoint = Operation(prepare=with_running_job, act=changing(_save_checkpoint), look=looking(_saved_checkpoint))


def _finish(store: SqliteStore, job: Job) -> None:
    """End a job and claim the next one in one commit, as the supervisor does."""
    with store.batch():
        after = job._replace(status=Status.COMPLETED, completed_at=store.now())
        store.swap(job, after, Event(event="completed"), result=json.dumps(LONG))
        store.submit([new_job(id="next", spec=spec("next"))])


def _finished(store: SqliteStore) -> str:
    job = stored(store, ID)
    state = (job.status, job.result == json.dumps(LONG), job.process_id, store.get("next") is not None)
    return one_of(state, (Status.RUNNING, False, "process-1", False), (Status.COMPLETED, True, None, True))


finish = Operation(prepare=with_running_job, act=changing(_finish), look=looking(_finished))


def _fail(store: SqliteStore, job: Job) -> None:
    after = job._replace(status=Status.FAILED, reason=Reason.ERROR, error="ValueError: no")
    store.swap(job, after, Event(event="failed"), traceback=LONG)


def _failed(store: SqliteStore) -> str:
    job = stored(store, ID)
    state = (job.status, job.error, store.details(job).traceback)
    return one_of(state, (Status.RUNNING, None, None), (Status.FAILED, "ValueError: no", LONG))


fail = Operation(prepare=with_running_job, act=changing(_fail), look=looking(_failed))


def _prune(directory: Path, acknowledge: Callable[[], None]) -> None:
    store = open_store(directory)
    store.prune(older_than_seconds=-1, limit=9)
    acknowledge()
    store.close()


def _pruned(store: SqliteStore) -> str:
    jobs = store.page(Query(), before=None, limit=9).jobs
    known = [store.submit([new_job(key=f"k{number}")])[0].created for number in range(3)]
    steps = [len(store.steps(job.id, after=0, limit=9)) for job in jobs]
    return one_of((steps, known), ([1, 1, 1], [False] * 3), ([], [False] * 3))


prune = Operation(prepare=with_ended_jobs, act=_prune, look=looking(_pruned))

NIGHTLY = Schedule(
    name="nightly",
    timetable=make_timetable("30 6 * * *", timezone="UTC"),
    spec=spec(),
    args=json.dumps(LONG),
)
DUE = NOON + 66_600_000


def _at_noon(directory: Path) -> SqliteStore:
    return SqliteStore(directory / "jobs.db", clock=lambda: NOON)


def _put_schedule(directory: Path, acknowledge: Callable[[], None]) -> None:
    store = _at_noon(directory)
    store.put_schedule(NIGHTLY, DUE)
    acknowledge()
    store.close()


def _put(store: SqliteStore) -> str:
    found = [(each.schedule, each.next_at) for each in store.schedules()]
    return one_of(found, [], [(NIGHTLY, DUE)])


put_schedule = Operation(
    prepare=lambda directory: open_store(directory).has_work(), act=_put_schedule, look=looking(_put)
)


def _fire(directory: Path, acknowledge: Callable[[], None]) -> None:
    store = SqliteStore(directory / "jobs.db", clock=lambda: DUE)
    fire_due(store, 9)
    acknowledge()
    store.close()


def _fired(store: SqliteStore) -> str:
    found = store.schedule("nightly")
    assert found is not None
    keys = [job.key for job in store.page(Query(), before=None, limit=9).jobs]
    last = None if found.last_job_id is None else stored(store, found.last_job_id).key
    key = "schedule:nightly:2025-01-02T06:30:00.000Z"
    return one_of((keys, found.next_at, last), ([], DUE, None), ([key], DUE + 86_400_000, key))


fire_schedule = Operation(
    prepare=lambda directory: _put_schedule(directory, lambda: None), act=_fire, look=looking(_fired)
)

OLD_JOBS = {
    "pow_1735732800000_9f2c41d07ab35e68": {"status": "completed", "result": {"hash": "0000abc"}},
    "pow_1735732800001_9f2c41d07ab35e69": {"status": "running", "started_at": "2025-01-01T12:00:00.000Z"},
}


def _write_old_file(directory: Path) -> None:
    replace_file(directory / "jobs.json", json.dumps(OLD_JOBS).encode())


def _start_first(directory: Path, acknowledge: Callable[[], None]) -> None:
    """Start beside an old jobs.json, submit, and write the file anew, as the first supervisor does."""
    store = open_store(directory)
    import_view(store, directory / "jobs.json")
    submitted(store, id=ID)
    acknowledge()
    ViewFile(store, directory / "jobs.json").write()
    store.close()


def _started(directory: Path) -> str:
    store = open_store(directory)
    import_view(store, directory / "jobs.json")
    try:
        missing = [job_id for job_id in OLD_JOBS if store.get(job_id) is None]
        wrong = [f"lost {job_id}" for job_id in missing] + store.check()
        published = json.loads((directory / "jobs.json").read_text())
        wrong += [f"{job_id} is not in jobs.json" for job_id in OLD_JOBS if job_id not in published]
        return "; ".join(wrong) or ("before" if store.get(ID) is None else "after")
    finally:
        store.close()


first_start = Operation(prepare=_write_old_file, act=_start_first, look=_started)


def _replace(directory: Path, acknowledge: Callable[[], None]) -> None:
    replace_file(directory / "file", b"new" * 5000)
    acknowledge()


def _replaced(directory: Path) -> str:
    return one_of((directory / "file").read_bytes(), b"old", b"new" * 5000)


replace_a_file = Operation(
    prepare=lambda directory: replace_file(directory / "file", b"old"), act=_replace, look=_replaced
)


def _with_a_copy(directory: Path) -> None:
    """Make a store with a copy of it, and one job more since."""
    with_queued_job(directory)
    (directory / "backup").mkdir()
    _copy(directory, lambda: None)
    store = open_store(directory)
    submitted(store, id="later")
    store.close()


def _copy(directory: Path, acknowledge: Callable[[], None]) -> None:
    for _ in copy_store(directory / "jobs.db", directory / "backup" / "jobs.db", pages=4):
        pass
    acknowledge()


def _copied(directory: Path) -> str:
    found = "; ".join(f"{name}: {_judged(directory / name)}" for name in ("jobs.db", "backup/jobs.db"))
    return one_of(found, "jobs.db: 2; backup/jobs.db: 1", "jobs.db: 2; backup/jobs.db: 2")


def _judged(path: Path) -> str:
    store = SqliteStore(path)
    try:
        return "; ".join(store.check()) or str(len(store.page(Query(), before=None, limit=9).jobs))
    finally:
        store.close()


back_up = Operation(prepare=_with_a_copy, act=_copy, look=_copied)


def _prepare_import(directory: Path) -> None:
    """Make a store with one job, and beside it an export of another one with jobs that have steps."""
    with_ended_jobs(directory)
    store = open_store(directory)
    (directory / "jobs.jsonl").write_bytes(b"".join(Export(store.database, program="0").pieces(0)))
    store.close()
    (directory / "jobs.db").unlink()
    with_queued_job(directory)


def _take_in(directory: Path, acknowledge: Callable[[], None]) -> None:
    store = open_store(directory)
    with open(directory / "jobs.jsonl", "rb") as file:
        import_file(store.database, file, "jobs.jsonl", Wishes(), store.now())
    acknowledge()
    store.close()


def _taken_in(store: SqliteStore) -> str:
    jobs = store.page(Query(), before=None, limit=9).jobs
    steps = [len(store.steps(job.id, after=0, limit=9)) for job in jobs]
    return one_of(sorted(steps), [0], [0, 1, 1, 1])


take_in = Operation(prepare=_prepare_import, act=_take_in, look=looking(_taken_in))


def _promise_too_early(directory: Path, acknowledge: Callable[[], None]) -> None:
    store = open_store(directory)
    with store.batch():
        store.save_step(stored(store, ID).claim, step("second", json.dumps(LONG)))
        acknowledge()
    store.close()


promises_too_early = Operation(prepare=with_running_job, act=_promise_too_early, look=looking(_saved_step))


def _finish_in_two_commits(store: SqliteStore, job: Job) -> None:
    after = job._replace(status=Status.COMPLETED, completed_at=store.now())
    store.swap(job, after, Event(event="completed"), result=json.dumps(LONG))
    store.submit([new_job(id="next", spec=spec("next"))])


in_two_commits = Operation(prepare=with_running_job, act=changing(_finish_in_two_commits), look=looking(_finished))
"""Planted faults: the test must find them."""
