"""One open journal: appends, flushes that threads share, reading what is new, and whether it is still the one."""

import contextlib
import errno
import fcntl
import os
import stat
import sys
import threading
from time import monotonic, sleep

from outlast.core.errors import Busy
from outlast.crashpoint import crash_point
from outlast.jobstate import locks
from outlast.jobstate.faults import ShortWrite, not_a_file

_LEAST_DESCRIPTOR = 3
_READ_BYTES = 65_536
_HEAD_BYTES = 100
_SETUP_SECONDS = 10.0
_SETUP_POLL_SECONDS = 0.002
_flush = os.fdatasync if sys.platform == "linux" else os.fsync
_NAMES = os.path.isdir("/proc/self/fd")
"""True where a descriptor's name can be asked for (Linux)."""
_GETSIG: int | None = getattr(fcntl, "F_GETSIG", None)
_SETSIG: int | None = getattr(fcntl, "F_SETSIG", None)
_MARK = 50
"""The number by which an open journal is known (decision 0023); no signal is ever sent."""


class Journal:
    """A journal that is open for reading and appending. `position` is how far it has been read."""

    def __init__(self, path: str) -> None:
        """Open the file, making it if it is missing; its directory exists. Raise OSError, StoreBroken."""
        self.path = path
        self.position = 0
        self._flushed = 0
        self._written = 0
        self._failure: OSError | None = None
        self._flushing = threading.Lock()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self.descriptor = _not_standard(os.open(path, flags, 0o666))
        self.inode = _inode(self.descriptor)
        if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):
            self.close()
            raise not_a_file(path)
        if _SETSIG is not None:
            fcntl.fcntl(self.descriptor, _SETSIG, _MARK)
        self._link = f"/proc/self/fd/{self.descriptor}"
        self._name = self._place()

    def _place(self) -> str | tuple[int, int]:
        """Return what changes if the descriptor or the file is no longer what it was.

        Asking for a file's times makes its next flush dearer (decision 0014), so Linux is asked for its name only.
        """
        return os.readlink(self._link) if _NAMES else _inode(self.descriptor)

    def is_open(self) -> bool:
        """Tell whether the descriptor still is this file, wherever that is now: not closed, nor closed and reused."""
        try:
            if _GETSIG is not None:
                return fcntl.fcntl(self.descriptor, _GETSIG) == _MARK
            return _inode(self.descriptor) == self.inode
        except OSError:
            return False

    def is_ours(self) -> bool:
        """Tell whether the descriptor still is this file, under its name: not removed, renamed, closed or reused."""
        try:
            return self._place() == self._name and (_NAMES or self.is_in_place())
        except OSError:
            return False

    def is_in_place(self) -> bool:
        """Tell whether the file that stands at the path is this one."""
        try:
            status = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self.inode

    def size(self) -> int:
        """Return how long the file is now."""
        return os.lseek(self.descriptor, 0, os.SEEK_END)

    def read_new(self) -> tuple[int, bytes]:
        """Return where the unread part begins and its whole lines, and count them as read."""
        begin = end = self.position
        parts = []
        while part := os.pread(self.descriptor, _READ_BYTES, end):
            parts.append(part)
            end += len(part)
            if len(part) < _READ_BYTES:
                break
        data = b"".join(parts)
        # A record that is just being written, or the rest of one that was cut short, has no newline at its end yet.
        whole = data[: data.rfind(b"\n") + 1]
        self.position = begin + len(whole)
        return begin, whole

    def read_own(self, line: bytes) -> bool:
        """Count a record as read if it is all that is new."""
        if os.pread(self.descriptor, len(line) + 1, self.position) != line:
            return False
        self.position += len(line)
        return True

    def append(self, line: bytes) -> int:
        """Write one record, in one call; return the number for `flush`. Raise OSError, also if it is cut short."""
        written = os.write(self.descriptor, line)
        if written != len(line):
            raise ShortWrite(self.path, written, len(line))
        crash_point("journal:written")
        self._written += 1
        return self._written

    def flush(self, number: int) -> None:
        """Return once the record is on the disk. Threads that wait share a flush.

        A failed flush is never tried again: the kernel would call the second one a success and have lost the data.
        """
        with self._flushing:
            if self._failure is not None:
                raise OSError(*self._failure.args)
            if self._flushed < number:
                self._flush_all()
        crash_point("journal:flushed")

    def _flush_all(self) -> None:
        upto = self._written
        try:
            _flush(self.descriptor)
        except OSError as error:
            self._failure = error
            self._forget_cached()
            raise
        self._flushed = upto

    def _forget_cached(self) -> None:
        """Let the next read come from the disk: what is cached may be what a failed flush has lost."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def head(self) -> bytes:
        """Return how the file begins, which tells it from a later one with the same inode number. Raise OSError."""
        if _inode(self.descriptor) != self.inode:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self.path)
        return os.pread(self.descriptor, _HEAD_BYTES, 0)

    def lock_setup(self) -> None:
        """Exclude others from making or removing this checklist's files. Raise Busy after ten seconds."""
        deadline = monotonic() + _SETUP_SECONDS
        while not locks.try_lock(self.descriptor, locks.SETUP):
            if monotonic() > deadline:
                raise Busy(f"{self.path} is being set up by another process.", "Look for one that hangs; try again.")
            sleep(_SETUP_POLL_SECONDS)

    def unlock_setup(self) -> None:
        """Let others in again."""
        locks.unlock(self.descriptor, locks.SETUP)

    def close(self) -> None:
        """Close the file, and with it every lock, once no thread flushes it any more."""
        with self._flushing:
            self._close()

    def forked(self) -> None:
        """Close the file in a forked child, where another thread may have held any lock for ever."""
        self._close()

    def _close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        # A program may have closed our descriptor; then what has its number now is not ours.
        with contextlib.suppress(OSError):
            if descriptor >= 0 and _inode(descriptor) == self.inode:
                os.close(descriptor)


def _inode(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino)


def _not_standard(descriptor: int) -> int:
    """Return a descriptor above 2: where stdout is closed, what is printed must not land in the file."""
    if descriptor >= _LEAST_DESCRIPTOR:
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LEAST_DESCRIPTOR)
    finally:
        os.close(descriptor)
