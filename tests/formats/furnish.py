"""Every kind of job in one store, made through the store's own protocol, and what is to be seen of it.

    python -m tests.formats.furnish DIRECTORY

writes `jobs.db` and `expected.json`, and both compressed. The stores in `stored/` were made by it with the program of
their time:

    mkdir OLD && git archive COMMIT src | tar -x -C OLD
    PYTHONPATH=OLD/src:. python -m tests.formats.furnish DIRECTORY

and are kept, compressed, for ever: what a released program wrote, every later one must read.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from outlast.core.job import Checkpoint, Event, Home, Job, NewJob, ProcessIdentity, Progress, Spec, Step, StepKind
from outlast.core.policies import Backoff, Policy
from outlast.core.query import Query
from outlast.core.status import Intent, Reason, Status
from outlast.core.view import job_object
from outlast.storage.imports import imported_jobs
from outlast.storage.sqlite import SqliteStore

NOON = 1_735_732_800_000
"""2025-01-01T12:00:00Z."""
OLD = {
    "pow_1735732000000_9f2c41d07ab35e68": {"status": "completed", "result": {"hash": "0000abc", "nonce": "7"}},
    "an old one": {"status": "running", "started_at": "2024-12-31T23:59:59Z", "player": "1-42", "odd": [None, 1e300]},
    "with a surrogate": {"status": "failed", "error": "x", "result": "\ud800"},
}


def home() -> Home:
    return Home(interpreter="/usr/bin/python3", path=("/srv/app", "/srv/é"), cwd="/srv/app", env={"OUTLAST_X": "1"})


def policy() -> Policy:
    return Policy(
        max_attempts=3,
        backoff=Backoff(least_seconds=0.5, most_seconds=60.0),
        retry_on=("builtins.OSError", "app.Odd"),
        timeout_seconds=7200.5,
        on_interrupt="fail",
        isolation="process",
        max_crashes=5,
    )


class Furnisher:
    """Makes jobs, one a minute."""

    def __init__(self, path: Path) -> None:
        self.now = NOON
        self.store = SqliteStore(path, clock=lambda: self.now)
        self.store.begin_with(partial(imported_jobs, OLD))
        self._number = 0

    def submit(self, kind: str = "demo", *, rules: Policy | None = None, **fields: Any) -> Job:
        self.now += 60_000
        self._number += 1
        job = NewJob(
            id=f"{kind}_{self.now}_{self._number:016x}",
            spec=Spec(kind=kind, target="app.jobs:demo", policy=rules or Policy(), home=home()),
            args=json.dumps({"args": [self._number, "é\0😀", None], "kwargs": {"deep": {"x": [1.5, -0.0, 2**70]}}}),
            actor="cli:alice",
        )
        job = job._replace(**fields)
        self.store.submit([job])
        return self.get(job.id)

    def run(self, kind: str = "demo", *, steps: int = 0, **fields: Any) -> Job:
        """Submit a job, claim it, and save some steps."""
        job = self.store.claim(self.submit(kind, **fields), "p1")
        for number in range(steps):
            word = list(StepKind)[number % 3]
            self.store.save_step(
                job.claim, Step(name=f"step é {number}", kind=word, result=json.dumps([number, "✓"]), duration_ms=1.25)
            )
        return self.get(job.id)

    def move(self, job: Job, status: Status, reason: Reason | None = None, **more: Any) -> Job:
        """Move a job to another status, with what it leaves."""
        self.now += 1_234
        result, traceback = more.pop("result", None), more.pop("traceback", "")
        done_at = self.now if status.is_end else None
        after = job._replace(status=status, reason=reason, completed_at=done_at, **more)
        self.store.swap(job, after, Event(event=str(status)), result=result, traceback=traceback)
        return self.get(job.id)

    def get(self, job_id: str) -> Job:
        found = self.store.get(job_id)
        assert found is not None
        return found


def furnish(path: Path) -> None:
    """Make a store with every kind of job."""
    maker = Furnisher(path)
    store = maker.store
    store.take_office(ProcessIdentity(id="s1", pid=4_000_000, start_ticks=1, boot_id="gone", pid_namespace="gone"))
    store.add_process(ProcessIdentity(id="p1", pid=4_000_001, start_ticks=1, boot_id="gone", pid_namespace="gone"))
    _unfinished(maker)
    _ended(maker)
    if hasattr(store, "put_schedule"):  # from schema 4 on
        _schedule(maker)
    removed = maker.move(maker.run(key="a removed one"), Status.COMPLETED, result="1")
    store.remove(removed, "cli:alice")
    store.close()


def _unfinished(maker: Furnisher) -> None:
    store = maker.store
    maker.submit()
    maker.submit(
        "nightly-report",
        key="k é",
        account="alice@example.org",
        labels={"env": "prod", "é": "✓"},
        queue="slow",
        priority=-5,
    )
    maker.submit(rules=policy(), delay_seconds=86_400.0)
    store.ask(maker.run(steps=2), Intent.CANCEL, "cli:bob")
    running = maker.run(steps=3, args=json.dumps({"args": ["x" * 3_000], "kwargs": {}}))
    progress = Progress(done=1, total=2.5, message="half é", rate=0.25, updated_at=maker.now)
    store.save_checkpoint(running.claim, Checkpoint(cursor='{"page":7}', partial='{"best":[1]}', progress=progress))
    store.save_checkpoint(running.claim, Checkpoint(extra={"difficulty_info": {"n": 1.5}}))
    waits = Status.WAITING
    maker.move(maker.run(steps=1), waits, Reason.TIME, wake_at=maker.now + 3_600_000)
    maker.move(maker.run(), waits, Reason.CONDITION, wake_at=maker.now + 5_000, waiting_info={"path": "/x"})
    maker.move(maker.run(rules=policy()), waits, Reason.RETRY, wake_at=maker.now + 900, tries=1, error="OSError: é")
    maker.move(maker.submit(), waits, Reason.PAUSED)
    if hasattr(store, "read_gauge"):  # from schema 2 on
        store.read_gauge("height", 100, every_seconds=5.0)
        follows = {"target_age": 10, "follows": {"blocks_left": [-1, 107]}}
        maker.move(maker.run("pow"), waits, Reason.CONDITION, gauge="height", reaches=107, waiting_info=follows)


def _schedule(maker: Furnisher) -> None:
    from outlast.core.schedules import CatchUp, Overlap, Schedule, Timetable

    maker.now += 60_000
    spec = Spec(kind="demo", target="app.jobs:demo", policy=Policy(), home=home())
    table = Timetable(rule="0 3 * * *", timezone="Europe/Berlin", catch_up=CatchUp.ONCE, overlap=Overlap.SKIP)
    schedule = Schedule(
        name="nightly é",
        timetable=table,
        spec=spec,
        args='{"args":[],"kwargs":{}}',
        labels={"env": "é"},
        actor="cli:alice",
    )
    maker.store.put_schedule(schedule, maker.now + 3_600_000)


def _ended(maker: Furnisher) -> None:
    store = maker.store
    done = Status.COMPLETED
    first = maker.move(maker.run(steps=4), done, result='{"ok":true,"text":"é"}')
    store.mark_read([first.id])
    maker.move(maker.run(), done, result="null")
    maker.move(maker.run(), done, result=json.dumps("x" * 5_000))
    maker.move(maker.run(rules=policy()._replace(keep=True)), done, result=json.dumps(["large"] * 9_000))
    for reason in (Reason.ERROR, Reason.TIMEOUT, Reason.CRASH, Reason.INTERRUPTED, Reason.ATTEMPTS_EXHAUSTED):
        maker.move(
            maker.run(steps=1), Status.FAILED, reason, error=f"ValueError: {reason} é", crashes=2, traceback="Trace é\n"
        )
    maker.move(maker.run(), Status.CANCELLED, Reason.USER)


def seen(store: SqliteStore) -> Iterator[dict[str, Any]]:
    """Yield all that is to be seen of every job, oldest first."""
    for job in reversed(store.page(Query(), before=None, limit=999).jobs):
        details = store.details(job)
        yield {
            "job": job_object(job),
            "args": None if details.args == "null" else details.args,  # imported jobs have none
            "cursor": details.cursor,
            "traceback": details.traceback,
            "target": job.spec.target,
            "attempt": job.attempt,
            "read": job.read_at,
            "steps": [[step.name, step.kind, step.result, step.duration_ms, step.attempt] for step in details.steps],
            "events": [[event.event, event.actor, event.attempt, event.at] for event in details.events],
        }


def main() -> None:
    """Make a store in the directory of the command line, and write down what is to be seen of it."""
    directory = Path(sys.argv[1])
    furnish(directory / "jobs.db")
    with closing(SqliteStore(directory / "jobs.db")) as store:
        text = json.dumps(list(seen(store)), indent=1, sort_keys=True)
    (directory / "expected.json").write_text(text, encoding="ascii")
    for name in ("jobs.db", "expected.json"):
        # Without a time, so that the same content makes the same file.
        (directory / f"{name}.gz").write_bytes(gzip.compress((directory / name).read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
