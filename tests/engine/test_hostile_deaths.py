"""What hostile jobs leave behind, and how they resist: a cancel ends all of it, whoever supervises by then."""

import signal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from outlast.client import Handle
from outlast.core.status import Status
from tests import processes
from tests.engine import hostile, hostile_families
from tests.engine.forking import until_it_forks
from tests.limits import hold_to
from tests.waiting import eventually
from tests.workshop import Workshop, warm_and_forked

MOST_SECONDS = 5.0
"""What may pass after a cancel until no process is left."""

RESISTING = [
    hostile_families.never_gives_in,
    hostile_families.stops_itself,
    hostile_families.cannot_hear,
    hostile_families.runs_another_program,
    hostile_families.forgets_who_it_is,
    hostile_families.waits_in_a_task_group,
    hostile_families.turns_the_request_into_an_error,
    hostile_families.parks_when_asked_to_stop,
]
LEAVING = [
    hostile_families.leaves_a_child,
    hostile_families.leaves_a_daemon,
    hostile_families.leaves_a_daemon_without_environment,
    hostile_families.leaves_its_output_open,
]
by_job = pytest.mark.parametrize("fn", RESISTING + LEAVING, ids=lambda fn: str(fn.kind))
by_leaving = pytest.mark.parametrize("fn", LEAVING, ids=lambda fn: str(fn.kind))
with_and_without = pytest.mark.parametrize("killed", [False, True], ids=["", "supervisor-killed"])


pytestmark = warm_and_forked


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next job go to the same process, if that is still to be had."""
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")


@pytest.fixture(autouse=True)
def forks(one_at_a_time: None, workshop: Workshop) -> None:
    """Wait until there is something to be forked from."""
    if workshop.forks:
        until_it_forks(workshop)


class Running:
    """A hostile job that runs, and the pids it has noted."""

    def __init__(self, workshop: Workshop, fn: Any, directory: Path) -> None:
        self._pids = directory / "pids"
        self.sign = directory / "sign"
        wanted = 2 if fn in LEAVING else 1
        signs = (str(self.sign),) if fn in LEAVING else ()
        self.handle: Handle = workshop.submit(fn, str(self._pids), *signs)
        eventually(lambda: len(self.pids()) == wanted, timeout=20, what="all pids")

    def pids(self) -> list[int]:
        return [int(pid) for pid in self._pids.read_text().split()] if self._pids.exists() else []

    def living(self) -> list[int]:
        return [pid for pid in self.pids() if processes.seen(pid)]


def replace_supervisor(workshop: Workshop) -> None:
    workshop.kill_supervisor()
    workshop.start_supervisor()


@with_and_without
@by_job
def test_a_cancel_ends_every_process_before_the_job_says_so(
    workshop: Workshop, tmp_path: Path, fn: Any, *, killed: bool
) -> None:
    running = Running(workshop, fn, tmp_path)
    if killed:
        replace_supervisor(workshop)
    at = monotonic()

    running.handle.cancel()

    ended = workshop.until_ended(running.handle)
    assert running.living() == []
    assert ended.status is Status.CANCELLED
    hold_to(MOST_SECONDS, monotonic() - at)
    assert workshop.submit(hostile.look_around).result(timeout=20)["children"] == ""


@with_and_without
@by_leaving
def test_what_a_job_leaves_behind_at_its_end_goes_with_its_process(
    workshop: Workshop, tmp_path: Path, fn: Any, *, killed: bool
) -> None:
    running = Running(workshop, fn, tmp_path)
    following = workshop.submit(hostile.look_around)
    if killed:
        replace_supervisor(workshop)

    running.sign.touch()

    assert running.handle.result(timeout=20) == "stayed"
    eventually(lambda: not running.living(), timeout=20, what="the end of all that it left")
    assert following.result(timeout=20)["children"] == ""
    assert workshop.job(following).attempt == 1
    assert workshop.last(running.handle, "completed").detail["left_behind"] == ["processes"]


@by_leaving
def test_a_job_whose_process_was_killed_runs_again_without_its_old_family(
    workshop: Workshop, tmp_path: Path, fn: Any
) -> None:
    running = Running(workshop, fn, tmp_path)
    old = running.pids()

    workshop.kill(workshop.process_of(running.handle))
    eventually(lambda: len(running.pids()) == 4, timeout=20, what="the second attempt")

    assert [pid for pid in old if processes.seen(pid)] == []
    running.sign.touch()
    assert running.handle.result(timeout=20) == "stayed"


def test_a_daemon_without_environment_is_found_when_supervisor_and_job_process_died(
    workshop: Workshop, tmp_path: Path
) -> None:
    running = Running(workshop, hostile_families.leaves_a_daemon_without_environment, tmp_path)
    old = [found for pid in running.pids() if (found := processes.seen(pid))]
    job_process = workshop.process_of(running.handle)
    replace_supervisor(workshop)
    # Until the new supervisor has seen it, nothing ties such a daemon to a job but the job's own process.
    adopted = f"Adopted process {job_process.pid}"
    eventually(lambda: adopted in workshop.places.supervisor_log.read_text(), what="the job to be adopted")

    workshop.kill(job_process)
    eventually(lambda: len(running.pids()) == 4, timeout=20, what="the second attempt")
    left = [process for process in old if process.is_alive]
    for process in left:
        workshop.kill(process)
    running.sign.touch()

    assert running.handle.result(timeout=20) == "stayed"
    assert left == []


@with_and_without
def test_a_job_that_finishes_although_it_was_asked_to_stop_is_completed(
    workshop: Workshop, tmp_path: Path, *, killed: bool
) -> None:
    running = Running(workshop, hostile_families.swallows_the_request, tmp_path)
    if killed:
        replace_supervisor(workshop)

    running.handle.cancel()

    assert running.handle.result(timeout=20) == "finished all the same"


def test_a_pause_is_not_turned_into_an_error(workshop: Workshop, tmp_path: Path) -> None:
    running = Running(workshop, hostile_families.turns_the_request_into_an_error, tmp_path)

    running.handle.pause()

    paused = workshop.until(running.handle, "waiting", "failed")
    assert (paused.reason, paused.tries) == ("paused", 0)
    running.handle.cancel()


@with_and_without
def test_closed_descriptors_do_not_keep_a_job_from_saving(workshop: Workshop, tmp_path: Path, *, killed: bool) -> None:
    sign = tmp_path / "sign"
    handle = workshop.submit(hostile.closes_everything, str(tmp_path), str(sign))
    eventually((tmp_path / "pids").exists, what="the job")
    if killed:
        replace_supervisor(workshop)

    sign.touch()

    assert handle.result(timeout=20) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert workshop.job(handle).attempt == 1
    assert {(tmp_path / str(number)).read_text() for number in range(8)} == {"ours\n"}


def test_a_cancel_is_not_forgotten_when_everything_dies_at_once(workshop: Workshop, tmp_path: Path) -> None:
    running = Running(workshop, hostile_families.never_gives_in, tmp_path)
    job_process = workshop.process_of(running.handle)
    supervisor = workshop.supervisor()
    job_process.kill(signal.SIGSTOP)
    supervisor.kill(signal.SIGSTOP)
    running.handle.cancel()
    for process in (supervisor, job_process):
        workshop.kill(process)

    workshop.start_supervisor()

    assert workshop.until(running.handle, "cancelled", timeout=20).attempt == 1
    assert running.living() == []
