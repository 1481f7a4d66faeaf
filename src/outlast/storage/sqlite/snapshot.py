"""Reading a store that cannot be written: SQLite writes beside a WAL file even to read it, so a copy is read."""

import errno
import os
import shutil
import tempfile
import weakref
from pathlib import Path

_MEMORY = "/dev/shm"

Signature = tuple[tuple[int, int, int] | None, ...]


class Snapshot:
    """A private copy of a store's file and its WAL, removed when let go of."""

    def __init__(self, path: Path) -> None:
        """Copy the files. Raise OSError if there is no space for them, neither among temporary files nor in memory."""
        self._source = path
        try:
            self._signature = self._copy_to(None)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not os.path.isdir(_MEMORY):
                raise
            self._remove()
            self._signature = self._copy_to(_MEMORY)

    def outdated(self) -> bool:
        """Tell whether the original has changed since it was copied."""
        return self._signature != _signature(self._source)

    def close(self) -> None:
        """Remove the copy."""
        self._remove()

    def _copy_to(self, place: str | None) -> Signature:
        directory = Path(tempfile.mkdtemp(prefix="outlast-read-", dir=place))
        self._remove = weakref.finalize(self, _remove, directory, os.getpid())
        self.path = directory / self._source.name
        before: Signature = ()
        # A writer on the other side of a read-only mount may change the two files between the copies.
        for _ in range(10):
            before = _signature(self._source)
            for suffix in ("", "-wal"):
                if os.path.exists(f"{self._source}{suffix}"):
                    shutil.copyfile(f"{self._source}{suffix}", f"{self.path}{suffix}")
            if before == _signature(self._source):
                break
        return before


def _signature(path: Path) -> Signature:
    return tuple(_stamp(f"{path}{suffix}") for suffix in ("", "-wal"))


def _stamp(name: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remove(directory: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(directory, ignore_errors=True)
