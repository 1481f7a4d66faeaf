"""The kernel kills a job that leaks: the job says so, and not only that it was killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from outlast.client import new_job
from outlast.core.codec import encode
from outlast.core.status import Reason, Status
from outlast.engine.oom import CAUSE, oom_kills
from outlast.functions import home_of_this_process, with_policy
from outlast.targets import command_spec
from tests.engine import greedy
from tests.waiting import eventually
from tests.workshop import Workshop

LIMIT = 200_000_000
CGROUPS = Path("/sys/fs/cgroup")


class MemoryGroup:
    """A control group below our own that may use so much memory."""

    def __init__(self, place: Path) -> None:
        self._place = place

    @classmethod
    def make(cls) -> "MemoryGroup":
        """Return a new one. Raise OSError where none can be made."""
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        old = [path for _, controllers, path in lines if controllers == "memory"]
        base = CGROUPS / "memory" / old[0].lstrip("/") if old else CGROUPS / lines[-1][2].lstrip("/")
        place = base / f"outlast-test-{os.getpid()}"
        place.mkdir()
        try:
            for name in ("memory.limit_in_bytes",) if old else ("memory.swap.max", "memory.max"):
                (place / name).write_text("0" if name == "memory.swap.max" else str(LIMIT))
        except OSError:
            place.rmdir()
            raise
        return cls(place)

    @contextmanager
    def supervisor(self, workshop: Workshop) -> Iterator[None]:
        """Run a supervisor in the group, which leaves after a moment without work."""
        script = f'echo $$ > "{self._place}/cgroup.procs" && exec "$@"'
        program = [sys.executable, "-m", "tests.crash.idle", "0.5"]
        with subprocess.Popen(["/bin/sh", "-c", script, "sh", *program]):
            workshop.supervisor()
            yield

    def remove(self) -> None:
        def removed() -> bool:
            with suppress(OSError):
                self._place.rmdir()
            return not self._place.exists()

        eventually(removed, what="the group to be empty")


@pytest.fixture
def group(workshop: Workshop) -> Iterator[MemoryGroup]:
    try:
        made = MemoryGroup.make()
    except OSError:
        pytest.skip("needs a memory control group")
    yield made
    workshop.stop()
    made.remove()


@pytest.mark.parametrize("killed", [False, True], ids=["", "supervisor-killed"])
def test_a_job_that_the_kernel_killed_for_its_memory_says_so(
    workshop: Workshop, tmp_path: Path, group: MemoryGroup, *, killed: bool
) -> None:
    sign, pids = tmp_path / "sign", tmp_path / "pids"
    with ExitStack() as stack:
        stack.enter_context(group.supervisor(workshop))
        handle = workshop.submit(with_policy(greedy.leaks, max_crashes=1), str(pids), str(sign))
        eventually(pids.exists, timeout=20, what="the job")
        if killed:
            workshop.kill_supervisor()
            stack.enter_context(group.supervisor(workshop))
        sign.touch()
        ended = workshop.until_ended(handle)

    assert (ended.status, ended.reason, ended.tries) == (Status.FAILED, Reason.OUT_OF_MEMORY, 0)
    assert ended.error == CAUSE


def test_a_job_that_somebody_killed_is_not_blamed_on_the_kernel(
    workshop: Workshop, tmp_path: Path, group: MemoryGroup
) -> None:
    pids = tmp_path / "pids"
    with group.supervisor(workshop):
        handle = workshop.submit(with_policy(greedy.leaks, max_crashes=1), str(pids), str(tmp_path / "no"))
        eventually(pids.exists, timeout=20, what="the job to have begun")  # killed before, it is put back
        workshop.kill(workshop.process_of(handle))

        ended = workshop.until_ended(handle)

    assert (ended.reason, ended.error) == (Reason.CRASH, "killed by SIGKILL")
    assert oom_kills() is not None


def test_a_command_that_the_kernel_killed_for_its_memory_says_so(
    workshop: Workshop, tmp_path: Path, group: MemoryGroup
) -> None:
    leak = "x = []\nwhile True: x.append(bytearray(b'1') * 10_000_000)"
    spec = command_spec(home_of_this_process(), {})
    call = {"args": [], "kwargs": {"argv": [sys.executable, "-c", leak], "directory": str(workshop.places.run)}}
    with group.supervisor(workshop):
        handle = workshop.outlast.submit_spec(new_job(spec, encode(call, "command")))
        ended = workshop.until_ended(handle)

    assert (ended.status, ended.reason, ended.tries) == (Status.FAILED, Reason.OUT_OF_MEMORY, 1)
    assert ended.error == CAUSE
