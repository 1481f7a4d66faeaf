"""The size of the WAL: a file that is overwritten takes commits half as long again as one that grows."""

import contextlib
import os

from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.room import CHECKPOINT_PAGES, PAGE_BYTES

_FRAME_BYTES = PAGE_BYTES + 24
_FULL_BYTES = 32 + CHECKPOINT_PAGES * _FRAME_BYTES
_ZEROS = bytes(1024 * 1024)
_MEMORY = "/dev/shm/"
"""Nothing is synced there, so nothing is gained."""
_LEAST_FREE = 20
"""No disk is filled for speed: this many times the size must be free."""


def grow(database: Database) -> None:
    """Write the WAL to the size at which it is checkpointed, if it is smaller and the disk has plenty of room.

    The zeros are no valid frames, so SQLite stops reading where they begin. They are written under its write lock,
    so that nobody appends there meanwhile. It must be zeros: space that is only reserved does not help.
    """
    with database.write(), contextlib.suppress(OSError):
        if not database.wal_name.startswith(_MEMORY):
            _fill(database.wal_name)


def _fill(name: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        disk = os.fstatvfs(descriptor)
        if size >= _FULL_BYTES or disk.f_bavail * disk.f_frsize < _LEAST_FREE * _FULL_BYTES:
            return
        while size < _FULL_BYTES:
            size += os.pwrite(descriptor, _ZEROS[: _FULL_BYTES - size], size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
