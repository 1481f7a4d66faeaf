"""Jobs of two homes become due in one turn, while processes of other homes have no job."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlast.client import new_job
from outlast.core.codec import encode
from outlast.core.job import Home, NewJob
from outlast.core.status import Status
from outlast.functions import as_function, home_of_this_process
from tests.engine import alone, short
from tests.engine.forking import until_it_forks
from tests.processes import Seen
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks job processes")


def made(home: Home, fn: Callable[..., Any], *args: object) -> NewJob:
    return new_job(as_function(fn).spec(home), encode({"args": args, "kwargs": {}}, "arguments"))


def waits_ready(server: Seen) -> bool:
    """Tell whether a fork server has one process, which sleeps."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    states = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2] for pid in children]
    return len(states) == 1 and states[0].startswith("S")


def test_who_makes_room_for_another_home_has_no_job(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "2")
    server = until_it_forks(workshop)
    eventually(lambda: waits_ready(server), timeout=20, what="a process that waits for a job of its own")
    workshop.submit(short.short, str(tmp_path / "short"), 1).result(20)  # its process has waited for less long
    ran = tmp_path / "ran"

    home = home_of_this_process()
    elsewhere = made(home._replace(cwd=str(tmp_path)), short.short, str(tmp_path / "short"), 2)
    own = made(home, alone.lingers, str(ran))
    answers = workshop.service.submit([elsewhere, own])

    def have_ended() -> bool:
        return all(workshop.service.get(answer.job_id).status.is_end for answer in answers)

    eventually(have_ended, timeout=20, what="both jobs to end")
    jobs = [workshop.service.get(answer.job_id) for answer in answers]
    assert [(job.status, job.attempt) for job in jobs] == [(Status.COMPLETED, 1)] * 2
    assert len(ran.read_text().split()) == 1
