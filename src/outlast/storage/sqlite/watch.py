"""Noticing that a store's file, or its WAL, was removed or replaced while it is open."""

import os
from enum import Enum

Stamp = tuple[int, ...]


class Change(Enum):
    """What happened to the files of a store."""

    NONE = 0
    WAL_DELETED = 1
    WAL_REPLACED = 2
    STORE_REPLACED = 3


class Watch:
    """The files as they are now: the store (by the name it was asked for), and its WAL."""

    def __init__(self, store: str, wal: str) -> None:
        self._store, self._wal = store, wal
        self._directory = os.path.dirname(wal)
        self._stamp = _stamp(self._directory)
        self.store_file, self._wal_file = file_of(store), file_of(wal)

    def look(self) -> Change:
        """Return what happened since. Looks at the directory first: a name in it has to change before the files do.

        The WAL itself is looked at rarely: after a look at it the next fsync has to write its times too, which makes
        a commit half as slow again (Linux 6.13 and later).
        """
        stamp = _stamp(self._directory)
        if stamp == self._stamp and stamp is not None:
            return Change.NONE
        if file_of(self._store) != self.store_file:
            return Change.STORE_REPLACED
        wal = file_of(self._wal)
        if wal != self._wal_file:
            return Change.WAL_DELETED if wal is None else Change.WAL_REPLACED
        self._stamp = stamp
        return Change.NONE


def _stamp(directory: str) -> Stamp | None:
    try:
        status = os.stat(directory)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns


def file_of(name: str) -> Stamp | None:
    """Return what tells a file from any other that may get its name; None if there is none."""
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_dev, status.st_ino
