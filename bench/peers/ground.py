"""What every subject stands on: a directory, what its jobs leave there, and processes that can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.peers.ticking import tick as tick

ROOT = Path(__file__).resolve().parent.parent.parent
LOOK_SECONDS = 0.002
"""How often the outside looks; a job's own part is a few microseconds."""
STEP_SECONDS = 0.02


def place() -> Path:
    """Return the directory of this run (PEER_PLACE)."""
    return Path(os.environ["PEER_PLACE"])


def append(name: str, data: bytes) -> None:
    """Append to a file of this run in one write, without a flush: it only has to outlive processes."""
    descriptor = os.open(place() / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def ticks() -> int:
    """Return how many no-op jobs have run."""
    try:
        return os.stat(place() / "ticks").st_size
    except FileNotFoundError:
        return 0


def act(job: str, step: int) -> None:
    """Do a step of a job that is struck: outsiders read when it began and that it was done."""
    append("diary", f"in {job} {step} {os.getpid()}\n".encode())
    time.sleep(STEP_SECONDS)
    append("diary", f"did {job} {step} {os.getpid()}\n".encode())


def end(job: str) -> None:
    """Say that all steps of a job are done."""
    append("diary", f"end {job} 0 {os.getpid()}\n".encode())


def wait_until(condition: Callable[[], bool], seconds: float, look: float = LOOK_SECONDS) -> bool:
    """Wait for a condition, which is looked at every `look` seconds; return whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(look)
    return True


def start(*command: str, **environment: str) -> "subprocess.Popen[bytes]":
    """Start a program in a process group of its own; what it says goes to the file `said`."""
    with open(place() / "said", "ab") as said:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def program(name: str) -> str:
    """Return the path of a program that was installed beside this interpreter."""
    return str(Path(sys.executable).with_name(name))


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a program with all it has started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that live."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return found
