"""Supervisors come when there is work and leave when there is none, and no job falls between two of them."""

import os
import random
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from outlast.core.errors import NotFound, OutlastError, StoreBroken, StoreGone
from outlast.core.status import Status
from outlast.functions import Function
from tests import processes
from tests.crash.work import ends_when_told, number, three_steps, words
from tests.waiting import eventually
from tests.workshop import Workshop

ROUNDS = 12


@contextmanager
def leaving_soon(seconds: float, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a supervisor that leaves after so long without work."""
    command = [sys.executable, "-m", "tests.crash.idle", str(seconds)]
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        yield process


def test_a_supervisor_leaves_when_there_is_nothing_left_to_do(workshop: Workshop) -> None:
    with leaving_soon(0.3) as process:
        workshop.supervisor()
        assert workshop.submit(number, 1).result(20) == 1
        assert process.wait(20) == 0

    assert workshop.service.store.supervisor() is None
    eventually(lambda: not processes.job_processes(workshop.root), what="the idle job processes to leave")
    assert sorted(path.name for path in workshop.places.run.iterdir()) == ["clock.json", "supervisor.lock"]


def test_a_supervisor_stays_for_a_job_that_waits_for_a_time(workshop: Workshop) -> None:
    with leaving_soon(0.3) as process:
        workshop.supervisor()
        handle = workshop.submit(number, 1, delay=1.2)

        assert workshop.until_ended(handle).status is Status.COMPLETED
        assert process.wait(20) == 0


def test_a_paused_job_keeps_nobody(workshop: Workshop) -> None:
    handle = workshop.submit(number, 1, delay=3600)
    handle.pause()
    workshop.kill_supervisor()

    with leaving_soon(0.3) as process:
        assert process.wait(20) == 0

    assert workshop.job(handle).status is Status.WAITING
    handle.resume()
    assert workshop.until(handle, Status.WAITING, Status.QUEUED, Status.COMPLETED)


def is_in_office(workshop: Workshop) -> bool:
    return workshop.service.store.supervisor() is not None


def test_jobs_submitted_while_a_supervisor_leaves_are_not_stranded(workshop: Workshop) -> None:
    chance = random.Random(7)
    for round_ in range(ROUNDS):
        with leaving_soon(0.02) as process:
            eventually(lambda: is_in_office(workshop) or process.poll() is not None, what="it to come, perhaps to go")
            threading.Event().wait(chance.uniform(0.0, 0.05))
            handle = workshop.submit(number, round_)

            # Nobody waits for it by `wait`, which would start a supervisor again.
            assert workshop.until_ended(handle, timeout=15).status is Status.COMPLETED, f"round {round_}"
            for other in processes.supervisors(workshop.root):
                other.kill()
            process.kill()


def test_a_second_supervisor_gives_way(workshop: Workshop) -> None:
    supervisor = workshop.start_supervisor()

    with leaving_soon(0.3) as process:
        assert process.wait(20) == 3

    assert workshop.supervisor() == supervisor


@pytest.mark.parametrize("moment", ["begun", "committed"])
def test_a_supervisor_killed_on_its_way_out_leaves_nothing_in_the_way(
    workshop: Workshop, tmp_path: Path, moment: str
) -> None:
    point = {"OUTLAST_CRASH_POINT": f"leave_office:{moment}"}
    with leaving_soon(0.1, **point) as process:
        assert process.wait(20) == -9

    assert workshop.submit(number, 5).result(20) == 5


def test_nothing_starts_a_supervisor_where_that_is_switched_off(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")

    handle = workshop.submit(number, 3)
    with pytest.raises(TimeoutError):
        handle.wait(0.5)

    assert processes.supervisors(workshop.root) == []
    assert workshop.job(handle).status is Status.QUEUED
    workshop.start_supervisor()
    assert handle.result(20) == 3


def test_a_client_that_waits_brings_the_supervisor_back(workshop: Workshop) -> None:
    handle = workshop.submit(number, 3, delay=1.0)
    threading.Timer(0.3, workshop.kill_supervisor).start()

    assert handle.result(20) == 3


def test_a_removed_directory_is_gone_for_everybody(workshop: Workshop) -> None:
    handle = workshop.submit(number, 3)
    assert handle.result(20) == 3
    supervisor = workshop.supervisor()

    shutil.rmtree(workshop.root)

    eventually(lambda: not supervisor.is_alive, what="the supervisor of the removed directory to leave")
    fresh = Workshop(workshop.root)
    with pytest.raises(NotFound):
        fresh.outlast.get(handle.id)
    assert fresh.submit(number, 4).result(20) == 4
    # The first answer of an old client may be that the store was removed under it.
    assert all(isinstance(error, OutlastError) for error in _errors_of(workshop, handle.id))
    fresh.service.close()


def _errors_of(workshop: Workshop, job_id: str) -> Iterator[Exception | None]:
    for _ in range(2):
        try:
            workshop.outlast.get(job_id)
        except OutlastError as error:
            yield error
        else:
            yield None


class TestWithoutPersistence:
    """PERSIST_JOBS=false: the store lives in memory, is shared by all programs of one user, and goes with the last."""

    @pytest.fixture
    def workshop(self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
        monkeypatch.setenv("PERSIST_JOBS", "false")
        yield workshop
        workshop.stop()
        shutil.rmtree(workshop.places.root, ignore_errors=True)

    def test_the_data_directory_is_not_made_and_the_memory_is_private(self, workshop: Workshop) -> None:
        assert workshop.submit(number, 2).result(20) == 2

        place = workshop.places.root
        assert not workshop.root.exists()
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert (place.is_relative_to("/dev/shm"), place.stat().st_uid) == (True, os.getuid())

    def test_other_programs_of_the_same_directory_find_the_same_jobs(self, workshop: Workshop) -> None:
        handle = workshop.submit(number, 2)
        program = "import sys; from outlast import Outlast; print(Outlast().get(sys.argv[1]).result(20))"

        told = subprocess.run([sys.executable, "-c", program, handle.id], capture_output=True, text=True, check=True)

        assert told.stdout == "2\n"

    def test_it_is_removed_when_the_last_supervisor_leaves(self, workshop: Workshop) -> None:
        place = workshop.places.root
        with leaving_soon(0.3) as process:
            workshop.supervisor()
            assert workshop.submit(number, 2).result(20) == 2
            assert process.wait(20) == 0

        assert not place.exists()

    def test_jobs_submitted_while_it_is_removed_are_run_or_refused(self, workshop: Workshop) -> None:
        chance = random.Random(8)
        for round_ in range(ROUNDS):
            with leaving_soon(0.02) as process:
                eventually(workshop.places.store.exists)
                threading.Event().wait(chance.uniform(0.0, 0.1))
                _run_or_refused(workshop, round_)
                for other in processes.supervisors(workshop.root):
                    other.kill()
                process.kill()


def _run_or_refused(workshop: Workshop, value: int) -> None:
    """Let a new client submit a job: it is run, or the client is told that the store was removed meanwhile."""
    client = Workshop(workshop.root)
    try:
        result = client.submit(number, value).result(10)
    except (NotFound, StoreBroken, StoreGone):
        return
    finally:
        client.service.close()
    assert result == value


@pytest.mark.parametrize("works", [three_steps, ends_when_told])
def test_a_process_whose_directory_was_moved_away_does_not_wait_for_ever(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, works: Function[..., Any]
) -> None:
    """Nobody will ever listen where it looks, whether it has something to save or an end to tell."""
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")
    workshop.start_supervisor()
    notes, go, elsewhere = tmp_path / "notes", tmp_path / "go", tmp_path / "elsewhere"
    handle = workshop.submit(works, str(notes), str(go))
    eventually(lambda: words(notes)[-1:] in (["two"], ["begun"]), what="the pause of the job")
    process = workshop.process_of(handle)

    workshop.kill_supervisor()
    workshop.root.rename(elsewhere)
    go.touch()

    eventually(lambda: not process.is_alive, what="the end of the process")
    elsewhere.rename(workshop.root)
    workshop.start_supervisor()
    assert workshop.until_ended(handle).status is Status.COMPLETED
    assert workshop.job(handle).attempt == 2


def test_a_job_goes_on_when_only_the_directory_of_the_socket_was_removed(workshop: Workshop, tmp_path: Path) -> None:
    """Whoever comes next makes it anew."""
    notes, go = tmp_path / "notes", tmp_path / "go"
    handle = workshop.submit(three_steps, str(notes), str(go))
    eventually(lambda: words(notes)[-1:] == ["two"], what="the pause of the job")

    workshop.kill_supervisor()
    shutil.rmtree(workshop.places.run)
    go.touch()

    assert workshop.until_ended(handle).status is Status.COMPLETED
    assert words(notes).count("one") == words(notes).count("two") == 1
