"""What jobs and machines demand of a supervisor: it serves, or refuses in words, and goes on."""

import os
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from outlast.core.policies import INTERRUPTED_WORDS
from outlast.core.status import Reason, Status
from tests.engine import demanding
from tests.processes import Seen
from tests.waiting import eventually
from tests.workshop import Workshop


@pytest.mark.parametrize(
    ("method", "argument"),
    [("get", 5), ("find", None), ("list", 7), ("cancel", ["x"]), ("retry", {}), ("prune", "for ever"), ("remove", 1.5)],
)
def test_a_call_that_makes_no_sense_is_the_callers_error_and_nobody_elses(
    workshop: Workshop, method: str, argument: Any
) -> None:
    told = workshop.submit(demanding.asks_nonsense, method, argument).result(20)
    supervisor = workshop.supervisor()

    assert told.startswith(("OutlastError: ", "UsageError: ", "NotFound: "))
    assert workshop.submit(demanding.small).result(20) == 1
    assert workshop.supervisor() == supervisor


def test_a_job_comes_back_however_much_its_steps_have_kept(workshop: Workshop) -> None:
    count, megabytes = 4, 8  # escaped, more than any line may hold that waits for a reader

    result = workshop.submit(demanding.keeps_large_results, count, megabytes).result(60)

    assert result == count * megabytes * 500_000


@pytest.mark.parametrize("fn", [demanding.only_once, demanding.many_times], ids=["fail", "resume"])
def test_a_supervisor_that_is_told_to_leave_puts_back_only_what_may_run_again(
    workshop: Workshop, tmp_path: Path, fn: Any
) -> None:
    pids = tmp_path / "pids"
    handle = workshop.submit(fn, str(pids))
    eventually(lambda: pids.exists() and pids.read_text(), timeout=20, what="the job")
    supervisor = workshop.supervisor()

    supervisor.kill(signal.SIGTERM)
    eventually(lambda: not supervisor.is_alive, what="the supervisor to leave")
    workshop.start_supervisor()

    if fn is demanding.only_once:
        job = workshop.job(handle)
        assert (job.status, job.reason, job.error) == (Status.FAILED, Reason.INTERRUPTED, INTERRUPTED_WORDS)
    else:
        eventually(lambda: len(pids.read_text().split()) == 2, what="the job to run again")
        assert (workshop.job(handle).crashes, workshop.job(handle).tries) == (0, 0)


def test_jobs_run_once_the_machine_has_room_again(workshop: Workshop) -> None:
    workshop.start_supervisor()
    eventually((workshop.root / "backup" / "jobs.db").exists, what="the supervisor to have made its first copy")
    supervisor = workshop.supervisor()
    limits = _limit_descriptors(supervisor, free=1)
    handle = workshop.submit(demanding.small)
    complaint = "No job process can be started now"
    eventually(lambda: complaint in workshop.places.supervisor_log.read_text(), what="the supervisor to complain")
    assert workshop.job(handle).status is Status.QUEUED

    resource.prlimit(supervisor.pid, resource.RLIMIT_NOFILE, limits)

    assert workshop.until_ended(handle, timeout=8).status is Status.COMPLETED


def _limit_descriptors(process: Seen, *, free: int) -> tuple[int, int]:
    """Leave a process so many descriptors; return the limits it had."""
    limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    taken = {int(name) for name in os.listdir(f"/proc/{process.pid}/fd")}
    last = [number for number in range(len(taken) + max(taken) + free) if number not in taken][free - 1]
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (last + 1, limits[1]))
    return limits
