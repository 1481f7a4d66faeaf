"""OUTLAST_QUEUE_LIMITS: at most so many running jobs of a queue, by whatever way they came to run."""

import os
from pathlib import Path

import pytest

from outlast.client import Handle
from outlast.core.status import Status
from tests.engine import hostile
from tests.engine.short import short
from tests.waiting import eventually
from tests.workshop import Workshop

LIMIT = 2
MANY = 60


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "4")
    monkeypatch.setenv("OUTLAST_QUEUE_LIMITS", f"mail={LIMIT}")


def linger(workshop: Workshop, sign: Path, count: int, queue: str = "mail") -> list[Handle]:
    """Submit jobs that stay until the file stands."""
    return [workshop.submit(hostile.linger, str(sign), queue=queue) for _ in range(count)]


def running(workshop: Workshop, handles: list[Handle]) -> list[Handle]:
    return [handle for handle in handles if workshop.job(handle).status is Status.RUNNING]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_full_queue_waits_while_others_run(workshop: Workshop, tmp_path: Path) -> None:
    mail = linger(workshop, tmp_path / "mail", 5)
    others = linger(workshop, tmp_path / "others", 3, queue="others")
    eventually(lambda: len(running(workshop, mail)) == LIMIT, timeout=20, what="the queue to be full")
    eventually(lambda: len(running(workshop, others)) == 2, timeout=20, what="the rest of the places to be taken")

    supervisor = workshop.supervisor()
    used = cpu_seconds(supervisor.pid)
    (tmp_path / "others").touch()
    for handle in others:
        assert handle.result(timeout=20) == "stayed"
    assert len(running(workshop, mail)) == LIMIT
    assert cpu_seconds(supervisor.pid) - used < 1.0, "two places are free, jobs are queued, and it does not spin"

    (tmp_path / "mail").touch()
    assert [handle.result(timeout=20) for handle in mail] == ["stayed"] * 5


def test_a_place_that_a_death_or_a_cancel_frees_is_taken(workshop: Workshop, tmp_path: Path) -> None:
    mail = linger(workshop, tmp_path / "sign", 4)
    first, second = eventually(lambda: two(running(workshop, mail)), timeout=20, what="the queue to be full")

    first.cancel()
    workshop.until(first, Status.CANCELLED)
    eventually(lambda: len(running(workshop, mail)) == LIMIT, what="its place to be taken")
    second.pause()
    workshop.until(second, Status.WAITING)

    eventually(lambda: len(running(workshop, mail)) == LIMIT, what="that one's as well")
    (tmp_path / "sign").touch()
    second.resume()
    assert {workshop.until_ended(handle).status for handle in mail} == {Status.COMPLETED, Status.CANCELLED}


def two(handles: list[Handle]) -> tuple[Handle, Handle] | None:
    return (handles[0], handles[1]) if len(handles) == 2 else None


def test_a_new_supervisor_counts_the_jobs_that_it_took_over(workshop: Workshop, tmp_path: Path) -> None:
    mail = linger(workshop, tmp_path / "sign", 5)
    before = eventually(lambda: two(running(workshop, mail)), timeout=20, what="the queue to be full")
    workshop.kill_supervisor()
    workshop.start_supervisor()

    other = workshop.submit(hostile.look_around).result(timeout=20)

    assert other["children"] == ""
    assert [handle.id for handle in running(workshop, mail)] == [handle.id for handle in before]
    (tmp_path / "sign").touch()
    assert [handle.result(timeout=20) for handle in mail] == ["stayed"] * 5


def test_short_jobs_that_are_handed_over_ahead_of_time_count_as_well(workshop: Workshop, tmp_path: Path) -> None:
    path = str(tmp_path / "runs")
    for handle in [workshop.submit(short, path, number) for number in range(12)]:
        workshop.until_ended(handle)
    handles = [workshop.submit(short, path, number, queue="mail") for number in range(MANY)]

    most = 0
    while not all(workshop.job(handle).status.is_end for handle in handles[-3:]):
        most = max(most, workshop.outlast.count("status:running queue:mail"))

    assert 0 < most <= LIMIT
    assert {workshop.until_ended(handle).status for handle in handles} == {Status.COMPLETED}
