"""kill -9 of job process, supervisor, client, or all: what becomes of the job, and how soon."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from outlast.client import Handle
from outlast.core.policies import INTERRUPTED_WORDS
from outlast.core.status import Reason, Status
from tests import processes
from tests.crash.work import (
    ends_when_told,
    never_twice,
    pids,
    saves_and_stays,
    stays,
    takes_too_long,
    three_steps,
    words,
)
from tests.waiting import eventually
from tests.workshop import Workshop


def until_begun(notes: Path, times: int) -> None:
    """Wait until the job has begun so many times."""
    eventually(lambda: words(notes).count("begun") == times, timeout=20, what=f"beginning {times}")


def until_kept(workshop: Workshop, handle: Handle, steps: int) -> None:
    """Wait until so many steps of the job are saved."""
    eventually(lambda: len(workshop.details(handle).steps) == steps, timeout=20, what=f"step {steps} to be kept")


class Scene:
    """One job with two steps behind it, which waits for the file `go`."""

    def __init__(self, workshop: Workshop, directory: Path, fn: Callable[..., object] = three_steps) -> None:
        self.workshop = workshop
        self.notes = directory / "notes"
        self.go = directory / "go"
        self.handle: Handle = workshop.submit(fn, str(self.notes), str(self.go))
        kept = 2 if fn is three_steps else 0
        until_begun(self.notes, 1)
        until_kept(workshop, self.handle, kept)

    def until(self, word: str, times: int = 1) -> None:
        """Wait for the job's word."""
        eventually(lambda: words(self.notes).count(word) >= times, timeout=20, what=f"the word {word!r}")

    def finish(self) -> object:
        """Let the job go on to its end; return the result."""
        self.go.touch()
        return self.handle.result(20)


@pytest.fixture
def scene(workshop: Workshop, tmp_path: Path) -> Scene:
    return Scene(workshop, tmp_path)


def test_a_job_process_that_dies_is_replaced_and_no_step_is_repeated(workshop: Workshop, scene: Scene) -> None:
    workshop.kill(workshop.process_of(scene.handle))
    scene.until("begun", times=2)

    assert scene.finish() == ["one", "two", "three"]
    assert words(scene.notes) == ["begun", "one", "two", "begun", "went-on", "three"]
    assert workshop.last(scene.handle, "crashed").detail["cause"] == "killed by SIGKILL"
    assert workshop.job(scene.handle).crashes == 0, "something was saved since the last death"


def test_a_job_goes_on_in_its_process_when_the_supervisor_dies(workshop: Workshop, scene: Scene) -> None:
    process = workshop.process_of(scene.handle)
    dead = workshop.kill_supervisor()

    assert scene.finish() == ["one", "two", "three"]

    assert words(scene.notes) == ["begun", "one", "two", "went-on", "three"]
    assert set(pids(scene.notes)) == {process.pid}
    assert workshop.job(scene.handle).attempt == 1
    assert workshop.supervisor() != dead


def test_a_new_supervisor_adopts_a_job_that_computes(workshop: Workshop, scene: Scene) -> None:
    process = workshop.process_of(scene.handle)
    for _ in range(3):
        workshop.kill_supervisor()
        workshop.start_supervisor()

    assert workshop.job(scene.handle).status is Status.RUNNING
    assert scene.finish() == ["one", "two", "three"]
    assert set(pids(scene.notes)) == {process.pid}
    assert workshop.job(scene.handle).attempt == 1


def test_a_frozen_job_process_is_alive_and_keeps_its_job(workshop: Workshop, scene: Scene) -> None:
    process = workshop.process_of(scene.handle)
    process.kill(signal.SIGSTOP)
    workshop.kill_supervisor()
    workshop.start_supervisor()
    eventually(lambda: "Adopted process" in workshop.places.supervisor_log.read_text(), what="the adoption")
    process.kill(signal.SIGCONT)

    assert scene.finish() == ["one", "two", "three"]
    assert workshop.job(scene.handle).attempt == 1


def test_when_both_die_the_job_goes_on_after_its_last_step(workshop: Workshop, scene: Scene) -> None:
    process = workshop.process_of(scene.handle)
    workshop.kill_supervisor()
    workshop.kill(process)

    assert scene.finish() == ["one", "two", "three"]

    assert words(scene.notes) == ["begun", "one", "two", "begun", "went-on", "three"]
    assert workshop.job(scene.handle).crashes == 0


def test_a_job_survives_the_client_that_submitted_it(workshop: Workshop, tmp_path: Path) -> None:
    notes, go = tmp_path / "notes", tmp_path / "go"
    program = "import sys; from tests.crash.work import three_steps as t; print(t.submit(*sys.argv[1:]).id, flush=True)"
    command = [sys.executable, "-c", f"{program}; sys.stdin.read()", str(notes), str(go)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        job_id = client.stdout.readline().strip()
        eventually(lambda: "two" in words(notes), timeout=20, what="the second step")
        os.kill(client.pid, signal.SIGKILL)
    go.touch()

    assert workshop.outlast.get(job_id).result(20) == ["one", "two", "three"]
    assert workshop.job(workshop.outlast.get(job_id)).attempt == 1


def test_the_session_of_the_client_takes_no_job_along(workshop: Workshop, scene: Scene) -> None:
    process, supervisor = workshop.process_of(scene.handle), workshop.supervisor()

    sessions = {processes.session_of(pid) for pid in (os.getpid(), process.pid, supervisor.pid)}

    assert len(sessions) == 3
    assert scene.finish() == ["one", "two", "three"]


def test_a_job_that_must_not_run_twice_is_interrupted(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(never_twice, str(notes))
    eventually(lambda: words(notes) == ["begun"], timeout=20)

    workshop.kill(workshop.process_of(handle))
    job = workshop.until_ended(handle)

    assert (job.status, job.reason, job.error) == (Status.FAILED, Reason.INTERRUPTED, INTERRUPTED_WORDS)
    assert words(notes) == ["begun"]


def test_a_job_that_must_not_run_twice_survives_the_supervisor(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(never_twice, str(notes))
    eventually(lambda: words(notes) == ["begun"], timeout=20)

    workshop.kill_supervisor()
    workshop.start_supervisor()
    handle.cancel()

    assert workshop.until_ended(handle).status is Status.CANCELLED
    assert words(notes) == ["begun"]


@pytest.mark.parametrize("also_the_supervisor", [False, True])
def test_deaths_without_a_save_are_counted_to_a_limit(
    workshop: Workshop, tmp_path: Path, *, also_the_supervisor: bool
) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(stays, str(notes))

    for times in (1, 2):
        until_begun(notes, times)
        process = processes.seen(pids(notes)[-1])
        assert process is not None
        if also_the_supervisor:
            workshop.kill_supervisor()
        workshop.kill(process)
        if also_the_supervisor:
            workshop.start_supervisor()
    job = workshop.until_ended(handle)

    assert (job.status, job.reason, job.crashes, job.tries) == (Status.FAILED, Reason.CRASH, 2, 0)
    assert words(notes) == ["begun", "begun"]


def test_deaths_are_not_counted_while_something_is_saved_between_them(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(saves_and_stays, str(notes))

    for times in range(1, 6):
        until_begun(notes, times)
        until_kept(workshop, handle, times)
        workshop.kill(workshop.process_of(handle))

    until_begun(notes, 6)
    assert workshop.job(handle).crashes == 0


def test_the_time_of_an_attempt_goes_on_under_a_new_supervisor(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    handle = workshop.submit(takes_too_long, str(notes))
    until_begun(notes, 1)
    began = monotonic()
    workshop.kill_supervisor()
    workshop.start_supervisor()

    job = workshop.until_ended(handle)

    assert job.reason is Reason.TIMEOUT
    assert monotonic() - began > 1.3
    assert (job.attempt, words(notes)) == (1, ["begun"])


@pytest.mark.parametrize("autostart", ["0", "1"])
def test_an_end_that_nobody_is_there_to_hear_is_told_to_the_next(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autostart: str
) -> None:
    monkeypatch.setenv("OUTLAST_AUTOSTART", autostart)
    workshop.start_supervisor()
    scene = Scene(workshop, tmp_path, ends_when_told)
    process = workshop.process_of(scene.handle)
    workshop.kill_supervisor()

    scene.go.touch()
    scene.until("ended")
    if autostart == "0":
        assert process.is_alive
        assert workshop.job(scene.handle).status is Status.RUNNING
        workshop.start_supervisor()
    job = workshop.until_ended(scene.handle)

    assert (job.status, job.attempt, job.result) == (Status.COMPLETED, 1, '"told"')
    assert words(scene.notes) == ["begun", "ended"]


def test_an_end_whose_answer_was_lost_is_told_again_and_counts_once(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTLAST_CRASH_POINT", "swap:committed")
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(tmp_path / "struck"))
    scene = Scene(workshop, tmp_path, ends_when_told)

    assert scene.finish() == "told"

    assert (tmp_path / "struck").exists()
    assert words(scene.notes) == ["begun", "ended"]
    assert workshop.events(scene.handle) == ["submitted", "claimed", "completed"]
