"""Cancelled means dead: whatever a job does, its processes are gone before its status says so."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from outlast import JobFunction
from outlast.client import Handle
from outlast.core.status import Status
from tests import processes
from tests.engine import stubborn
from tests.limits import hold_to
from tests.waiting import eventually
from tests.workshop import GRACE_SECONDS, Workshop

AT_ONCE = 5
ROUNDS = 4
MOST_SECONDS = GRACE_SECONDS + 1.0
"""What a cancel may take, from the request to the status (a loaded machine has its second)."""

JOBS = [
    stubborn.cpu_loop,
    stubborn.holds_the_interpreter,
    stubborn.leaves_a_grandchild,
    stubborn.ignores_the_request,
]


def by_kind(*jobs: JobFunction[..., None]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", jobs, ids=lambda kind: str(kind.kind))


@pytest.fixture(autouse=True)
def many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", str(AT_ONCE))


@contextmanager
def watched(workshop: Workshop, report: Path) -> Iterator[None]:
    """Let the watcher look for lies during the block; raise AssertionError if it saw one."""
    command = [sys.executable, "-m", "tests.engine.watcher", str(workshop.places.store), str(report)]
    with subprocess.Popen(command, stdin=subprocess.PIPE):
        eventually(lambda: report.exists() and report.read_text().startswith("ready"), what="the watcher")
        yield
    lines = report.read_text().splitlines()
    assert [line for line in lines if " lives" in line] == []
    assert lines[-1].startswith("proven ")
    assert int(lines[-1].split()[1]) > 0


def started(workshop: Workshop, kind: JobFunction[..., None], directory: Path, number: int) -> tuple[Handle, list[int]]:
    """Submit one job; return it with the pids it noted, once it runs."""
    noted = directory / f"{kind.kind}-{number}.pids"
    handle = workshop.submit(kind, str(noted))
    wanted = 2 if kind is stubborn.leaves_a_grandchild else 1
    eventually(lambda: noted.exists() and len(noted.read_text().split()) == wanted, timeout=20, what=f"{noted.name}")
    return handle, [int(pid) for pid in noted.read_text().split()]


def cancel_all(workshop: Workshop, begun: list[tuple[Handle, list[int]]]) -> None:
    """Cancel running jobs; hold each to its time, and its processes to be dead when it says so."""
    at = monotonic()
    for handle, _ in begun:
        handle.cancel()
    for handle, pids in begun:
        ended = workshop.until_ended(handle)
        hold_to(MOST_SECONDS, monotonic() - at, handle.id)
        assert ended.status is Status.CANCELLED
        assert [pid for pid in pids if processes.seen(pid)] == []


@by_kind(*JOBS[:3])
def test_a_cancelled_job_is_dead_in_time_and_before_it_says_so(
    workshop: Workshop, tmp_path: Path, kind: JobFunction[..., None]
) -> None:
    with watched(workshop, tmp_path / "report"):
        for round_ in range(ROUNDS):
            begun = [started(workshop, kind, tmp_path, round_ * AT_ONCE + number) for number in range(AT_ONCE)]

            cancel_all(workshop, begun)

    assert workshop.outlast.count("status:cancelled") == ROUNDS * AT_ONCE


@by_kind(*JOBS)
def test_a_supervisor_that_took_over_ends_adopted_jobs_as_well(
    workshop: Workshop, tmp_path: Path, kind: JobFunction[..., None]
) -> None:
    with watched(workshop, tmp_path / "report"):
        begun = [started(workshop, kind, tmp_path, number) for number in range(2)]
        workshop.kill_supervisor()
        workshop.start_supervisor()

        cancel_all(workshop, begun)

    assert [workshop.job(handle).attempt for handle, _ in begun] == [1, 1]


@by_kind(*JOBS)
def test_a_cancel_asked_while_no_supervisor_lives_is_carried_out_by_the_next(
    workshop: Workshop, tmp_path: Path, kind: JobFunction[..., None]
) -> None:
    handle, pids = started(workshop, kind, tmp_path, 0)
    workshop.kill_supervisor()

    with watched(workshop, tmp_path / "report"):
        cancel_all(workshop, [(handle, pids)])


def test_a_cancel_is_heard_while_the_supervisor_saves_without_a_pause(workshop: Workshop) -> None:
    begun = [workshop.submit(stubborn.saves_without_end) for _ in range(20)]

    for handle in begun:
        workshop.until(handle, Status.RUNNING)
        cancel_all(workshop, [(handle, [])])
