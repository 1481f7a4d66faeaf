"""Short jobs are handed over ahead of time; whatever happens to one of them, the others run, and run once."""

from collections import Counter
from pathlib import Path

import pytest

from outlast.client import Handle
from outlast.core.status import Status
from tests import processes
from tests.engine.short import short, short_and_once
from tests.waiting import eventually
from tests.workshop import Workshop

LEARNING = 12
"""After so many the supervisor knows that the function is short."""
MANY = 30
BAD = 6
"""The number of the one job that does something else."""


@pytest.fixture(params=[1])
def processes_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many job processes there are."""
    count = int(request.param)
    monkeypatch.setenv("OUTLAST_CONCURRENCY", str(count))
    return count


@pytest.fixture
def path(workshop: Workshop, processes_at_once: int, tmp_path: Path) -> Path:
    """Return the file in which runs are noted, once the supervisor has learned that the jobs are short."""
    learning = str(tmp_path / "learning")
    for handle in [workshop.submit(short, learning, number) for number in range(LEARNING)]:
        workshop.until_ended(handle)
    return tmp_path / "runs"


def submit_many(workshop: Workshop, path: Path, then: str) -> list[Handle]:
    calls = [(str(path), number, then if number == BAD else "") for number in range(MANY)]
    return workshop.outlast.submit_many(short, calls)


def runs(path: Path) -> Counter[int]:
    """Return how often each job has run."""
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter(int(line.split()[0]) for line in lines)


def until_begun(path: Path, number: int) -> processes.Seen:
    """Return the process that runs this job."""

    def look() -> processes.Seen | None:
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        pids = [int(pid) for found, pid in lines if int(found) == number]
        return processes.seen(pids[-1]) if pids else None

    return eventually(look, what=f"job {number}")


def test_jobs_that_were_sent_into_a_closed_descriptor_run_all_the_same(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "close everything")

    ended = [workshop.until_ended(handle, timeout=10) for handle in handles]

    assert [job.status for job in ended] == [Status.COMPLETED] * MANY
    assert runs(path) == Counter(range(MANY))


@pytest.mark.parametrize("processes_at_once", [2], indirect=True)
def test_one_that_takes_long_does_not_hold_the_others_up(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "stop")
    slow = handles.pop(BAD)

    for handle in handles:
        assert workshop.until_ended(handle, timeout=10).status is Status.COMPLETED

    assert workshop.job(slow).status is Status.RUNNING
    assert runs(path) == Counter(range(MANY))


def test_a_death_costs_only_the_job_that_ran(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "die")

    ended = [workshop.until_ended(handle) for handle in handles]

    bad = ended.pop(BAD)
    assert (bad.status, bad.reason, bad.error) == (Status.FAILED, "crash", "killed by SIGKILL")
    assert {(job.status, job.crashes) for job in ended} == {(Status.COMPLETED, 0)}
    assert runs(path) == Counter([*range(MANY), BAD, BAD])


def test_cancelling_one_that_has_not_begun_ends_nothing_else(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "stop")
    slow = until_begun(path, BAD)

    handles[BAD + 1].cancel()
    cancelled = workshop.until_ended(handles[BAD + 1], timeout=3)

    assert cancelled.status is Status.CANCELLED
    assert slow.is_alive
    assert BAD + 1 not in runs(path)


def test_cancelling_the_one_that_runs_lets_the_others_run(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "stop")
    until_begun(path, BAD)

    handles[BAD].cancel()
    ended = [workshop.until_ended(handle) for handle in handles]

    assert ended.pop(BAD).status is Status.CANCELLED
    assert {job.status for job in ended} == {Status.COMPLETED}
    assert runs(path) == Counter(range(MANY))


def test_a_new_supervisor_finds_all_that_was_handed_over(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "")
    until_begun(path, 0)
    workshop.kill_supervisor()
    workshop.start_supervisor()

    ended = [workshop.until_ended(handle) for handle in handles]

    assert [job.status for job in ended] == [Status.COMPLETED] * MANY
    assert runs(path) == Counter(range(MANY))


def test_a_new_supervisor_takes_back_what_waits_behind_a_long_one(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "stop")
    slow = until_begun(path, BAD)
    workshop.kill_supervisor()
    workshop.start_supervisor()

    workshop.kill(slow)
    handles[BAD].cancel()
    ended = [workshop.until_ended(handle) for handle in handles]

    assert ended.pop(BAD).status is Status.CANCELLED
    assert {job.status for job in ended} == {Status.COMPLETED}
    assert max(runs(path).values()) <= 2


def test_after_the_death_of_all_nothing_that_has_not_begun_counts_a_crash(workshop: Workshop, path: Path) -> None:
    handles = submit_many(workshop, path, "stop")
    slow = until_begun(path, BAD)
    workshop.kill_supervisor()
    workshop.kill(slow)

    workshop.start_supervisor()
    done = [workshop.until_ended(handle) for handle in handles[:BAD]]

    assert {(job.status, job.crashes) for job in done} == {(Status.COMPLETED, 0)}
    eventually(lambda: runs(path)[BAD] == 2, what="the job to run again")
    assert workshop.job(handles[BAD]).crashes == 1
    assert max(runs(path).values()) == 2


def test_jobs_that_must_not_run_twice_are_never_handed_ahead(
    workshop: Workshop, processes_at_once: int, tmp_path: Path
) -> None:
    for handle in [workshop.submit(short_and_once, str(tmp_path / "learning"), n) for n in range(LEARNING)]:
        workshop.until_ended(handle)
    handles = workshop.outlast.submit_many(short_and_once, [(str(tmp_path / "runs"), n) for n in range(MANY)])

    most = 0
    while not workshop.job(handles[-1]).status.is_end:
        most = max(most, workshop.outlast.count("status:running"))

    assert most <= processes_at_once
