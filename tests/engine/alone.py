"""Jobs that want a process of their own, and what they tell of it."""

import ctypes
import fcntl
import os
import random
import sys
import threading
from pathlib import Path
from typing import Any

from outlast import job
from tests.engine.stubborn import note_pid


@job(isolation="process")
def tells() -> dict[str, Any]:
    """Return what a fork shares with its parent, as it is here."""
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "session": os.getsid(0),
        "id": os.environ["OUTLAST_PROCESS_ID"],
        "stdin": os.readlink("/proc/self/fd/0"),
        "descriptors": {name: _link(name) for name in os.listdir("/proc/self/fd")},
        "random": random.random(),
        "modules": [name for name in ("random", "tests", "asyncio") if name in sys.modules],
        "threads": threading.active_count(),
    }


def _link(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:  # the one that read the list
        return ""


@job(isolation="process", max_crashes=1)
def exits(code: int) -> None:
    os._exit(code)


@job(isolation="process", max_crashes=1)
def reads_address_zero() -> None:
    ctypes.string_at(0)


@job(isolation="process")
def stays(path: str, go: str) -> int:
    """Note the pid, and return it when the file `go` stands."""
    note_pid(path)
    while not Path(go).exists():
        threading.Event().wait(0.01)
    return os.getpid()


@job(isolation="process", max_crashes=1, on_interrupt="fail")
def lingers(path: str) -> None:
    """Note the pid and stay for a moment."""
    note_pid(path)
    threading.Event().wait(0.3)


@job(isolation="process")
def leaves_a_daemon(path: str) -> None:
    """Stay, and leave a grandchild in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        note_pid(path)
        threading.Event().wait()
    note_pid(path)
    threading.Event().wait()


@job(isolation="process")
def is_locked(lock: str) -> bool:
    """Tell whether this very process holds its lock: a child that it forks cannot have it."""
    pid = os.fork()
    if pid == 0:
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
