"""Making sure that nobody else is at work: a store is only replaced when nothing that lives could write to it."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outlast.core.errors import Refused
from outlast.core.places import Places
from outlast.durable import ensure_directory
from outlast.engine.locks import holder, holder_of

# What SQLite locks of a file (os_unix.c): whoever has a WAL store open holds a part of it.
_STORE_LOCK_START, _STORE_LOCK_BYTES = 0x40000000, 512


@contextmanager
def supervisor_lock(places: Places) -> Iterator[None]:
    """Hold the supervisor's lock. Raise Refused, naming the pid, if a supervisor or a job process lives."""
    ensure_directory(places.run, private=True)
    descriptor = os.open(places.supervisor_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, 0, 0, f"A supervisor works on {places.root}")
        _refuse_processes(places)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def store_lock(path: Path) -> Iterator[int | None]:
    """Keep every process from opening the store; yield its open file, None if there is none that could be read.

    Raise Refused, naming the pid, if a process has it open. Until the end this process must not open it otherwise:
    closing any file of it would let go of the lock.
    """
    descriptor = _opened(path)
    if descriptor is None:
        yield None
        return
    try:
        _take(descriptor, _STORE_LOCK_START, _STORE_LOCK_BYTES, f"{path} is in use")
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        # A directory, a loop of links, nothing at all: it can be moved, but not read.
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _refuse_processes(places: Places) -> None:
    living = {lock: holder_of(lock) for lock in sorted(places.run.glob("p*.lock"))}
    pids = " ".join(str(pid) for pid in living.values() if pid is not None)
    if pids:
        raise Refused(
            f"Jobs run in {places.root}: pid {pids}.", f"Wait for them, or end them (kill {pids}), then repair again."
        )


def _take(descriptor: int, start: int, length: int, what: str) -> None:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except OSError:
        pid = holder(descriptor, start=start, length=length)
        who = f"pid {pid}" if pid else "a process of another container"
        fix = f"End it (kill {pid}), then repair again." if pid else "End it, then repair again."
        raise Refused(f"{what}: {who}.", fix) from None
