"""A cancel or a pause that was accepted is carried out, whatever happens to the job before the supervisor acts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from outlast import Context, job
from outlast.client import Handle
from outlast.core.status import Reason, Status
from tests.engine import stubborn
from tests.engine.stubborn import note_pid
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.usefixtures("by_hand")


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody but the test start supervisors."""
    monkeypatch.setenv("OUTLAST_AUTOSTART", "0")


@job
def parks_when_told(ctx: Context, go: str) -> None:
    eventually(Path(go).exists, timeout=60)
    ctx.wait(3600)


@job(max_attempts=3, backoff="1h")
def fails_when_told(go: str) -> None:
    eventually(Path(go).exists, timeout=60)
    raise RuntimeError("told to fail")


@job(timeout=1.0, max_attempts=3, backoff="1h")
def takes_too_long(path: str) -> None:
    asked = Path(path).with_name("asked")
    signal.signal(signal.SIGTERM, lambda *_: asked.touch())
    note_pid(path)
    while True:
        signal.pause()


def running(workshop: Workshop, fn: object, path: Path) -> Handle:
    workshop.start_supervisor()
    handle = workshop.submit(fn, str(path))  # type: ignore[arg-type]
    workshop.until(handle, Status.RUNNING)
    return handle


@contextmanager
def slow_transaction(workshop: Workshop) -> Iterator[apsw.Connection]:
    """Hold the write lock of the store during the block, as a client does for a moment, and commit."""
    connection = apsw.Connection(str(workshop.places.store))
    connection.set_busy_timeout(5_000)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.execute("COMMIT")
    connection.close()


def wish(connection: apsw.Connection, handle: Handle, intent: str) -> None:
    """Write what `ask` writes; that it was written while the lock was held is what the product cannot show us."""
    connection.execute("UPDATE jobs SET intent = ?, intent_actor = 'test' WHERE id = ?", (intent, handle.id))


@pytest.mark.parametrize("fn", [parks_when_told, fails_when_told], ids=["parks", "fails"])
@pytest.mark.parametrize(("intent", "status"), [("cancel", Status.CANCELLED), ("pause", Status.WAITING)])
def test_a_wish_that_crosses_the_end_of_an_attempt_is_kept(
    workshop: Workshop, tmp_path: Path, fn: object, intent: str, status: Status
) -> None:
    go = tmp_path / "go"
    handle = running(workshop, fn, go)
    process = workshop.process_of(handle)

    with slow_transaction(workshop) as connection:
        go.touch()
        # Its end is reported by then, and the supervisor waits for the lock.
        eventually(lambda: _waits_for_an_answer(process.pid), what="the job to report its end")
        wish(connection, handle, intent)
    job = workshop.until(handle, status)

    assert job.reason in (Reason.USER, Reason.PAUSED)


def _waits_for_an_answer(pid: int) -> bool:
    """Tell whether a process sleeps in a read of a socket."""
    return Path(f"/proc/{pid}/wchan").read_text() == "unix_stream_read_generic"


@pytest.mark.parametrize(("verb", "status"), [("cancel", Status.CANCELLED), ("pause", Status.WAITING)])
def test_a_wish_for_a_job_whose_process_and_supervisor_are_dead_is_kept(
    workshop: Workshop, tmp_path: Path, verb: str, status: Status
) -> None:
    handle = running(workshop, stubborn.cpu_loop, tmp_path / "pids")
    process = workshop.process_of(handle)
    workshop.kill_supervisor()
    workshop.kill(process)

    getattr(handle, verb)()
    workshop.start_supervisor()
    job = workshop.until(handle, Status.CANCELLED, Status.WAITING)

    assert job.status is status
    assert job.reason in (Reason.USER, Reason.PAUSED)
    assert job.attempt == 1


def test_a_wish_for_a_job_whose_process_dies_before_the_supervisor_acts_is_kept(
    workshop: Workshop, tmp_path: Path
) -> None:
    handle = running(workshop, stubborn.cpu_loop, tmp_path / "pids")
    process = workshop.process_of(handle)
    supervisor = workshop.supervisor()

    supervisor.kill(signal.SIGSTOP)
    handle.cancel()
    process.kill()
    supervisor.kill(signal.SIGCONT)
    job = workshop.until_ended(handle)

    assert (job.status, job.attempt) == (Status.CANCELLED, 1)


def test_a_cancel_overrides_a_pause_that_is_on_its_way(workshop: Workshop, tmp_path: Path) -> None:
    handle = running(workshop, stubborn.ignores_the_request, tmp_path / "pids")
    eventually(lambda: (tmp_path / "pids").exists())

    handle.pause()
    handle.cancel()
    job = workshop.until(handle, Status.CANCELLED, Status.WAITING)

    assert job.status is Status.CANCELLED


def test_a_cancel_overrides_a_timeout_that_is_on_its_way(workshop: Workshop, tmp_path: Path) -> None:
    handle = running(workshop, takes_too_long, tmp_path / "pids")
    eventually(lambda: (tmp_path / "pids").exists())
    eventually(lambda: (tmp_path / "asked").exists(), what="the timeout")

    handle.cancel()
    job = workshop.until(handle, Status.CANCELLED, Status.WAITING)

    assert job.status is Status.CANCELLED


def test_a_cancel_is_kept_when_the_supervisor_is_told_to_leave(workshop: Workshop, tmp_path: Path) -> None:
    handle = running(workshop, stubborn.ignores_the_request, tmp_path / "pids")
    eventually(lambda: (tmp_path / "pids").exists())
    supervisor = workshop.supervisor()

    supervisor.kill(signal.SIGTERM)
    handle.cancel()
    eventually(lambda: not supervisor.is_alive)
    workshop.start_supervisor()
    job = workshop.until(handle, Status.CANCELLED, timeout=5)

    assert job.attempt == 1
