"""A process for one job is forked from a server of its home, and no job can tell: not even when that server fails."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlast.core.status import Reason, Status
from outlast.engine.launch import NOBODY
from outlast.engine.memory import resident
from tests import processes
from tests.engine import alone
from tests.engine.forking import until_it_forks
from tests.processes import Seen
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks job processes")


@pytest.fixture
def server(workshop: Workshop) -> Seen:
    """Return the fork server of the jobs' home, once it forks."""
    return until_it_forks(workshop)


def until_noted(path: Path, count: int) -> list[int]:
    """Return the pids in a file, once they are all there."""

    def look() -> list[int] | None:
        pids = [int(pid) for pid in path.read_text().split()] if path.exists() else []
        return pids if len(pids) == count else None

    return eventually(look, timeout=20, what=f"{count} pids")


def test_a_forked_process_is_its_own(workshop: Workshop, server: Seen) -> None:
    first, second = (workshop.submit(alone.tells).result(20) for _ in range(2))

    assert first["parent"] == server.pid
    assert first["session"] == first["pid"] != second["pid"]
    assert first["id"] != second["id"] != NOBODY
    assert first["random"] != second["random"]
    assert first["stdin"] == "/dev/null"
    assert first["modules"] == ["random", "tests"]
    assert first["threads"] == 1
    sockets = [link for link in first["descriptors"].values() if link.startswith("socket:")]
    assert len(sockets) == 1, "it has kept what is the server's"
    assert not [link for link in first["descriptors"].values() if "pidfd" in link]


def test_its_environment_in_proc_carries_its_mark(workshop: Workshop, server: Seen, tmp_path: Path) -> None:
    handle = workshop.submit(alone.stays, str(tmp_path / "pids"), str(tmp_path / "go"))
    [pid] = until_noted(tmp_path / "pids", 1)

    [mark] = workshop.marks(handle)
    marked = processes.marked(mark)
    identity = workshop.details(handle).process

    assert [process.pid for process in marked] == [pid]
    assert processes.session_of(pid) == pid
    assert identity is not None
    assert (identity.id, identity.pid, identity.start_ticks) == (mark, pid, marked[0].ticks)
    assert processes.marked(NOBODY).count(server) == 1
    (tmp_path / "go").touch()
    assert handle.result(20) == pid


def test_it_holds_the_lock_of_its_own(workshop: Workshop, server: Seen, tmp_path: Path) -> None:
    first = workshop.submit(alone.stays, str(tmp_path / "pids"), str(tmp_path / "go"))
    [pid] = until_noted(tmp_path / "pids", 1)
    lock = workshop.places.process_lock(workshop.marks(first)[0])

    assert workshop.submit(alone.is_locked, str(lock)).result(20)
    assert server.is_alive
    (tmp_path / "go").touch()
    assert first.result(20) == pid
    eventually(lambda: not lock.exists(), what="the lock to go")


@pytest.mark.parametrize(
    ("fn", "args", "error"),
    [
        (alone.exits, (3,), "exit code 3"),
        (alone.exits, (0,), "exit code 0 before the job had ended"),
        (alone.reads_address_zero, (), "killed by SIGSEGV"),
    ],
)
def test_how_it_died_is_told(
    workshop: Workshop, server: Seen, fn: Callable[..., Any], args: tuple[int, ...], error: str
) -> None:
    ended = workshop.until_ended(workshop.submit(fn, *args))

    assert (ended.status, ended.reason, ended.error) == (Status.FAILED, Reason.CRASH, error)
    assert server.is_alive


def test_a_cancel_ends_its_daemons_and_not_the_server(workshop: Workshop, server: Seen, tmp_path: Path) -> None:
    handle = workshop.submit(alone.leaves_a_daemon, str(tmp_path / "pids"))
    pids = until_noted(tmp_path / "pids", 2)

    handle.cancel()

    assert workshop.until_ended(handle).status is Status.CANCELLED
    assert [pid for pid in pids if processes.seen(pid)] == []
    assert server.is_alive


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: str(number.name))
def test_a_server_that_fails_harms_no_job(
    workshop: Workshop, server: Seen, tmp_path: Path, number: signal.Signals
) -> None:
    running = workshop.submit(alone.stays, str(tmp_path / "pids"), str(tmp_path / "go"))
    until_noted(tmp_path / "pids", 1)

    server.kill(number)
    following = [workshop.submit(alone.tells) for _ in range(3)]

    assert all(handle.result(30) for handle in following)
    (tmp_path / "go").touch()
    assert running.result(20) in until_noted(tmp_path / "pids", 1)
    assert {workshop.job(handle).attempt for handle in (running, *following)} == {1}
    assert until_it_forks(workshop, other_than=server) != server
    assert not server.is_alive


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: str(number.name))
def test_how_a_job_died_is_told_although_its_server_has_failed(
    workshop: Workshop, server: Seen, tmp_path: Path, number: signal.Signals
) -> None:
    handle = workshop.submit(alone.stays, str(tmp_path / "pids"), str(tmp_path / "go"))
    [pid] = until_noted(tmp_path / "pids", 1)

    server.kill(number)
    os.kill(pid, signal.SIGSEGV)

    crashed = eventually(lambda: "crashed" in workshop.events(handle), timeout=20, what="the crash")
    assert crashed
    assert workshop.last(handle, "crashed").detail["cause"] == "killed by SIGSEGV"
    (tmp_path / "go").touch()
    assert handle.result(20) != pid


def test_without_room_for_another_process_jobs_wait_until_there_is(workshop: Workshop, server: Seen) -> None:
    limit = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)

    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
    handles = [workshop.submit(alone.tells) for _ in range(3)]
    log = workshop.places.supervisor_log
    eventually(lambda: "No job process can be started now: EMFILE" in log.read_text(), timeout=20, what="a refusal")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limit)

    assert {handle.result(30)["parent"] for handle in handles} == {server.pid}
    assert {workshop.job(handle).attempt for handle in handles} == {1}


def test_a_job_outlives_supervisor_and_server_and_is_adopted(workshop: Workshop, server: Seen, tmp_path: Path) -> None:
    handle = workshop.submit(alone.stays, str(tmp_path / "pids"), str(tmp_path / "go"))
    [pid] = until_noted(tmp_path / "pids", 1)

    workshop.kill_supervisor()
    eventually(lambda: not server.is_alive, what="the server to leave with its supervisor")
    workshop.start_supervisor()
    (tmp_path / "go").touch()

    assert handle.result(20) == pid
    assert workshop.job(handle).attempt == 1


def test_nothing_stays_when_the_supervisor_leaves(workshop: Workshop, server: Seen) -> None:
    supervisor = workshop.supervisor()

    supervisor.kill(signal.SIGTERM)

    eventually(lambda: not supervisor.is_alive, timeout=20, what="the supervisor to leave")
    eventually(lambda: not processes.job_processes(workshop.root), what="all processes to leave")
    assert list(workshop.places.run.glob("p*.lock")) == []


def test_the_server_is_small_and_has_one_thread(server: Seen) -> None:
    assert len(os.listdir(f"/proc/{server.pid}/task")) == 1
    with open(f"/proc/{server.pid}/smaps_rollup") as file:
        own = next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024

    assert own < 15_000_000
    assert resident(server.pid) < 20_000_000


def test_changed_code_needs_no_new_server(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "changing.py"
    text = 'import os\nfrom outlast import job\n\n@job(isolation="process")\ndef fn():\n    return {}\n'
    program = "import changing; print(changing.fn.submit().result(20))"
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def says(what: str) -> str:
        module.write_text(text.format(what))
        ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    assert workshop.root
    eventually(lambda: says("os.getppid()") in {str(each.pid) for each in workshop.fork_servers()}, timeout=30)
    assert says("'one'") == "one"
    assert says("'two'") == "two"
    assert len(workshop.fork_servers()) == 1
