"""A process that a test leaves behind is found, named and killed; a stranger is left alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.leftovers import MARK_VARIABLE, PROCESS_ID_VARIABLE, Leftover, children, left_behind
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
IDLE = "import sys; print('up', flush=True); sys.stdin.read()"

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")


@contextmanager
def idle_process(*arguments: str, **variables: str) -> Iterator[int]:
    """Run a process that waits for its stdin to close, without this test's mark; yield its pid."""
    environment = {name: value for name, value in os.environ.items() if name != MARK_VARIABLE}
    command = [sys.executable, "-c", IDLE, *arguments]
    with subprocess.Popen(
        command, env={**environment, **variables}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid


def found_pids(mark: str, directory: Path | None) -> list[int]:
    return [process.pid for process in left_behind(mark, directory, children_before=children())]


def test_a_process_that_carries_the_mark_is_found(tmp_path: Path) -> None:
    with idle_process(**{MARK_VARIABLE: "mark-of-this-test"}) as pid:
        assert found_pids("mark-of-this-test", tmp_path) == [pid]


def test_a_job_process_of_the_directory_is_found_without_the_mark(tmp_path: Path) -> None:
    with idle_process(str(tmp_path / "run" / "p1.lock"), **{PROCESS_ID_VARIABLE: "p1"}) as pid:
        assert found_pids("no-such-mark", tmp_path) == [pid]


def test_a_supervisor_of_the_directory_is_found_without_the_mark(tmp_path: Path) -> None:
    with idle_process("outlast-supervisor", JOBS_DATA_DIR=str(tmp_path)) as pid:
        assert found_pids("no-such-mark", tmp_path) == [pid]


def test_a_child_that_is_new_is_found_without_any_sign() -> None:
    before = children()

    with idle_process() as pid:
        assert [process.pid for process in left_behind("no-such-mark", None, children_before=before)] == [pid]


def test_processes_of_another_run_are_strangers(tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / "elsewhere"
    with (
        idle_process(**{MARK_VARIABLE: "another-mark"}),
        idle_process(str(elsewhere), **{PROCESS_ID_VARIABLE: "p2"}),
        idle_process(str(tmp_path)),
    ):
        assert found_pids("no-such-mark", tmp_path) == []


def test_it_is_named_by_its_command_line() -> None:
    with idle_process("some", "words", **{MARK_VARIABLE: "mark-of-this-test"}):
        [process] = left_behind("mark-of-this-test", None, children_before=children())

    assert process.command.endswith("some words")


def test_killing_one_that_is_gone_does_nothing() -> None:
    with idle_process() as pid:
        pass

    Leftover(pid=pid, command="gone").kill()


LEAVING_TEST = """
import os, subprocess, sys

def test_leaves(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "left", "behind"]
    process = subprocess.Popen(command, stdin=open("/dev/zero"), start_new_session=True)
    open(os.environ["PID_FILE"], "w").write(str(process.pid))
    process.returncode = 0  # as if it were somebody else's child
"""


def test_a_test_that_leaves_a_process_fails_and_the_process_dies(tmp_path: Path) -> None:
    test = tmp_path / "test_leaves.py"
    test.write_text(LEAVING_TEST)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", str(tmp_path)]
    environment = {**os.environ, "PID_FILE": str(tmp_path / "pid")}

    done = subprocess.run(
        [*command, str(test)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    pid = (tmp_path / "pid").read_text()
    assert done.returncode == 1, done.stdout
    assert f"The test left behind {pid}: " in done.stdout
    eventually(lambda: not Path("/proc", pid).exists(), what=f"the death of {pid}")
