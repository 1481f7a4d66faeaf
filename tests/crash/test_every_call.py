"""T2 for the running system: kill -9 of the supervisor, and of a client, at each of its file-system calls."""

import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from outlast.client import Handle
from outlast.core.codec import decode
from outlast.core.status import Status
from tests.crash.work import everything, words
from tests.faults.fixtures import faultio
from tests.figures import Figures
from tests.waiting import eventually
from tests.workshop import Workshop

__all__ = ["faultio"]

RESULT = {"steps": ["first", "second"], "cursor": {"at": 1}}
STRIDE = int(os.environ.get("TORTURE_STRIDE", "18"))
"""Every so many-th call is struck, beginning anywhere; TORTURE_STRIDE=1 strikes at all of them."""

CLIENT_STRIDE = min(4, STRIDE)
"""A client makes fewer of them."""


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody but the test start supervisors."""
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")


def struck(library: Path, nth: int, *act: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "LD_PRELOAD": str(library), "FI_OPS": "none"}
    command = [sys.executable, "-m", "tests.crash.struck", str(nth), *act]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_client_killed_at_any_call_of_a_submit_has_submitted_one_job_or_none(
    workshop: Workshop, faultio: Path, tmp_path: Path, figures: Figures
) -> None:
    handles: list[Handle] = []
    for nth in itertools.count(random.Random(figures.seed()).randint(1, CLIENT_STRIDE), CLIENT_STRIDE):
        notes, key = str(tmp_path / f"notes-{len(handles)}"), f"key {nth}"
        client = struck(faultio, nth, "submit", notes, key)
        told, errors = client.communicate()
        assert client.returncode in (-signal.SIGKILL, 0), errors
        stored = workshop.outlast.count(f'key:"{key}"')
        assert stored == 1 if "told" in told else stored in (0, 1)
        handles.append(workshop.submit(everything, notes, key=key))
        if client.returncode == 0:
            break

    figures.reached("kills", len(handles) - 1)
    assert len(handles) > 20 // CLIENT_STRIDE
    assert workshop.outlast.count() == len(handles)
    workshop.start_supervisor()
    assert {workshop.until_ended(handle).status for handle in handles} == {Status.COMPLETED}
    assert all(words(tmp_path / f"notes-{number}") == ["first", "second"] for number in range(len(handles)))


def test_a_supervisor_killed_at_any_call_loses_and_repeats_nothing(
    workshop: Workshop, faultio: Path, tmp_path: Path, figures: Figures
) -> None:
    handles: list[Handle] = []
    first = random.Random(figures.seed()).randint(1, STRIDE)
    print(f"struck at call {first} and every {STRIDE} calls")
    for nth in itertools.count(first, STRIDE):
        handles.append(workshop.submit(everything, str(tmp_path / f"notes-{len(handles)}")))
        supervisor = struck(faultio, nth, "supervisor")
        _until_dead_or_done(supervisor, workshop, handles)
        supervisor.terminate()
        _, errors = supervisor.communicate(timeout=20)
        assert supervisor.returncode in (-signal.SIGKILL, -signal.SIGTERM, 0), errors
        if supervisor.returncode == 0:
            break

    figures.reached("kills", len(handles) - 1)
    workshop.start_supervisor()
    jobs = [workshop.until_ended(handle, timeout=30) for handle in handles]

    assert {(job.status, job.crashes) for job in jobs} == {(Status.COMPLETED, 0)}
    assert all(decode(job.result or "") == RESULT for job in jobs)
    done = [words(tmp_path / f"notes-{number}") for number in range(len(handles))]
    assert [notes for notes in done if notes != ["first", "second"]] == []
    assert len(handles) > 100 // STRIDE


def _until_dead_or_done(supervisor: "subprocess.Popen[str]", workshop: Workshop, handles: list[Handle]) -> None:
    def look() -> bool:
        return supervisor.poll() is not None or all(workshop.job(handle).status.is_end for handle in handles)

    eventually(look, timeout=30, what="the supervisor to die, or to do everything")
