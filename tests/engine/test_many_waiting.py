"""Waiting costs nothing: thousands of jobs wait without a process, and those whose time comes run in time."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from outlast import Context, job
from outlast.client import new_job
from outlast.core.codec import encode
from outlast.core.status import Status
from outlast.functions import home_of_this_process
from tests import processes
from tests.crash.work import note, words
from tests.waiting import eventually
from tests.workshop import Workshop

WAITING, DUE = 2_000, 200
SPREAD_SECONDS = 1.0
MOST_LATE_SECONDS = 3.0
"""What may lie between the time a job waits for and its start, for 99 of 100."""


@job
def waits(ctx: Context, path: str) -> None:
    note(path, "begun")
    ctx.wait(3600)


@job
def tells_how_late(path: str, due: float) -> None:
    note(path, f"{time.time() - due:.3f}")


def test_a_job_that_waits_for_long_gives_its_process_to_the_next(workshop: Workshop, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    handles = workshop.outlast.submit_many(waits, [(str(path),)] * 60)

    for handle in handles:
        assert workshop.until(handle, Status.WAITING).reason == "time"

    assert len(processes.job_processes(workshop.root)) <= workshop.settings.concurrency
    assert words(path) == ["begun"] * 60


def test_thousands_wait_without_a_process_and_the_due_ones_run_in_time(workshop: Workshop, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    workshop.start_supervisor()
    spec = tells_how_late.spec(home_of_this_process())
    later = encode({"args": [str(path), 0.0], "kwargs": {}}, "arguments")
    workshop.service.submit([new_job(spec, later, delay="1h") for _ in range(WAITING)])
    assert processes.job_processes(workshop.root) == []

    start = datetime.now(UTC) + timedelta(seconds=0.5)
    for number in range(DUE):
        due = start + timedelta(seconds=SPREAD_SECONDS * number / DUE)
        workshop.submit(tells_how_late, str(path), due.timestamp(), at=due)
    eventually(lambda: len(words(path)) == DUE, timeout=30, what="all due jobs to run")

    late = sorted(float(word) for word in words(path))
    assert late[0] >= -0.01, "none runs before its time"
    assert late[int(DUE * 0.99)] <= MOST_LATE_SECONDS
    assert workshop.outlast.stats()["by_status"]["waiting"] == WAITING
