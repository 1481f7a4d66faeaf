"""Which job of a process has begun: one file, written by the process, so that jobs handed ahead can be taken back.

A short job may be handed to a process while it still runs another one. The process passes the turnstile before each
job; the supervisor may close it for all jobs that have not passed. Both do so under a record lock of one byte, so a
job is either begun or taken back, never both. The file is the process's lock file:

    byte 0       locked by the process as long as it lives
    byte 1       locked for a moment by whoever reads and writes below
    bytes 16-31  the number up to which jobs are taken back
    from 32      the number, id and attempt of the job that began last: JSON, ended by a newline
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from time import sleep

ALIVE_BYTE = 0
MUTEX_BYTE = 1
_TAKEN_AT, _TAKEN_BYTES = 16, 16
_BEGUN_AT, _BEGUN_BYTES = 32, 2_000
_TRIES, _PAUSE_SECONDS = 20, 0.0005


@dataclass(frozen=True, slots=True)
class Begun:
    """The job that began last in a process; `number` counts what was handed to the process."""

    number: int
    job_id: str
    attempt: int


class Turnstile:
    """The process's side; it holds the file open, and locked, as long as it lives."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._inode = _inode(descriptor)
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, ALIVE_BYTE)

    def is_ours(self) -> bool:
        """Tell whether the descriptor is still our file: a job may have closed it."""
        return _inode(self._descriptor) == self._inode

    def begin(self, number: int, job_id: str, attempt: int) -> bool:
        """Note that a job begins; False if it was taken back."""
        record = json.dumps([number, job_id, attempt]).encode() + b"\n"
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, MUTEX_BYTE)
        try:
            if number <= _taken(self._descriptor):
                return False
            os.pwrite(self._descriptor, record, _BEGUN_AT)
            return True
        finally:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, MUTEX_BYTE)


class Gate:
    """The supervisor's side of one process's turnstile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begun(self) -> Begun | None:
        """Return the job that began last, None if none did. Raise OSError if the file is gone."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _begun(descriptor)
        finally:
            os.close(descriptor)

    def close_for(self, number: int) -> Begun | None:
        """Take back every job up to `number` that has not begun; return the one that began last.

        Raise BlockingIOError if the process holds the turnstile (it was stopped in it), OSError if the file is gone.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            _lock(descriptor)
            os.pwrite(descriptor, str(number).encode().ljust(_TAKEN_BYTES), _TAKEN_AT)
            return _begun(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, MUTEX_BYTE)
            return
        except OSError:
            sleep(_PAUSE_SECONDS)
    raise BlockingIOError


def _taken(descriptor: int) -> int:
    return int(os.pread(descriptor, _TAKEN_BYTES, _TAKEN_AT).strip(b"\0 ") or 0)


def _begun(descriptor: int) -> Begun | None:
    line, newline, _ = os.pread(descriptor, _BEGUN_BYTES, _BEGUN_AT).partition(b"\n")
    return Begun(*json.loads(line)) if newline else None


def _inode(descriptor: int) -> tuple[int, int] | None:
    try:
        stat = os.fstat(descriptor)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
