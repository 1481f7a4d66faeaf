"""A pid is no identity: strangers are never killed, and processes of another container are neither lost nor doubled."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.core.status import Status
from outlast.engine.family import Family
from outlast.engine.identity import identify, is_alive
from tests import processes
from tests.crash.work import pids, three_steps, words
from tests.waiting import eventually
from tests.workshop import Workshop

SESSION = """
import os, signal, sys
os.setsid()
if os.fork() == 0:
    os.write(1, b"%d\\n" % os.getpid())  # in one piece: both write at once
    signal.pause()
os.write(1, b"%d\\n" % os.getpid())
sys.stdin.read()
"""


@pytest.fixture
def session() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a session leader with one member; yield the leader and the member's pid. Neither carries a mark."""
    with subprocess.Popen(
        [sys.executable, "-c", SESSION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as leader:
        assert leader.stdout is not None
        noted = {int(leader.stdout.readline()), int(leader.stdout.readline())}
        member = (noted - {leader.pid}).pop()
        yield leader, member
        for pid in noted:
            if process := processes.seen(pid):
                process.kill()


def test_the_session_of_a_job_process_belongs_to_its_family(session: tuple[subprocess.Popen[str], int]) -> None:
    leader, member = session
    identity = identify(leader.pid, "p1")
    assert identity is not None
    family = Family(identity)

    leader.kill()
    leader.wait()
    found = {process.pid for process in family.look()}

    assert member in found


@pytest.mark.parametrize("leader_lives", [True, False])
def test_the_session_of_a_stranger_with_an_old_pid_does_not(
    session: tuple[subprocess.Popen[str], int], *, leader_lives: bool
) -> None:
    leader, _ = session
    stranger = identify(leader.pid, "p1")
    assert stranger is not None
    if not leader_lives:
        leader.kill()
        leader.wait()

    old = stranger._replace(start_ticks=stranger.start_ticks - 1)

    assert not is_alive(old)
    assert Family(old).kill() == []


@pytest.mark.parametrize("what", ["boot", "container"])
def test_a_process_of_another_boot_or_container_is_not_sought_by_its_pid(what: str) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        identity = identify(stranger.pid, "p1")
        assert identity is not None
        elsewhere = identity._replace(boot_id="x") if what == "boot" else identity._replace(pid_namespace="x")

        assert Family(elsewhere).kill() == []
        assert not is_alive(elsewhere)

        assert stranger.poll() is None
        stranger.kill()


class TestAnotherContainer:
    """Two containers share a data directory, as two services of one machine do."""

    @pytest.fixture(autouse=True)
    def inside(self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Run a supervisor in a pid namespace of its own, and let nobody else start one."""
        if os.getuid() != 0 or shutil.which("unshare") is None:
            pytest.skip("needs root")
        monkeypatch.setenv("OUTLAST_AUTOSTART", "0")
        command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        with subprocess.Popen(
            [*command, sys.executable, "-m", "tests.engine.contained"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as container:
            assert container.stdout is not None
            assert container.stdout.readline() == b"started\n"
            eventually(lambda: workshop.service.store.supervisor(), what="the supervisor inside")
            yield
            container.kill()

    def test_a_job_that_computes_there_is_not_started_a_second_time(self, workshop: Workshop, tmp_path: Path) -> None:
        notes, go = tmp_path / "notes", tmp_path / "go"
        handle = workshop.submit(three_steps, str(notes), str(go))
        eventually(lambda: "two" in words(notes), timeout=20, what="the second step")

        self.replace_the_supervisor(workshop)
        go.touch()

        assert workshop.until_ended(handle).status is Status.COMPLETED
        assert workshop.job(handle).attempt == 1
        assert len(set(pids(notes))) == 1

    def test_a_cancel_reaches_it_from_outside(self, workshop: Workshop, tmp_path: Path) -> None:
        notes = tmp_path / "notes"
        handle = workshop.submit(three_steps, str(notes), str(tmp_path / "go"))
        eventually(lambda: "two" in words(notes), timeout=20, what="the second step")
        self.replace_the_supervisor(workshop)

        handle.cancel()

        assert workshop.until_ended(handle).status is Status.CANCELLED
        assert processes.marked(workshop.marks(handle)[0]) == []

    @staticmethod
    def replace_the_supervisor(workshop: Workshop) -> None:
        """Kill the one inside, and start one outside, which cannot know its pids."""
        for supervisor in processes.supervisors(workshop.root):
            supervisor.kill(signal.SIGKILL)
        eventually(lambda: not processes.supervisors(workshop.root), what="the death of the supervisor inside")
        workshop.start_supervisor()
        log = workshop.places.supervisor_log
        eventually(lambda: "Adopted process" in log.read_text(), what="the adoption")
