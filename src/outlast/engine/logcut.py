"""Cutting a log that has become too long, while whoever it is goes on writing to it.

Writers hold the file open for appending, and none of them can be asked to let go of it. So the file stays the same one,
and only its beginning is taken away; the end of that becomes the older file.
"""

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from outlast.core.logfiles import LONGEST_LINE, MOST_BYTES, first_line, gone_before

FLOOD_BYTES = 4 * MOST_BYTES
"""A log that is so long by the time it is looked at grows faster than it can be copied."""
_KEPT_BYTES = MOST_BYTES - LONGEST_LINE
_KEPT_OF_FLOOD = 256 * 1024
_MARGIN_BYTES = 1_000_000
_PIECE = 1_000_000
_COLLAPSE_RANGE = 0x08  # linux/falloc.h
_READ = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without O_NONBLOCK a pipe in the file's place would be waited for, for ever."""

_cannot_collapse: set[int] = set()
"""The file systems that have said so."""


def keep_short(log: Path, older: Path) -> int:
    """Cut a log that is longer than MOST_BYTES; return how long it was, 0 if there is none.

    Trouble with files that a job may do with as it likes is nobody else's: such a log stays as it is.
    """
    try:
        size = os.stat(log, follow_symlinks=False).st_size
        if size > MOST_BYTES:
            _cut(log, older)
    except OSError:
        return 0
    return size


def _cut(log: Path, older: Path) -> None:
    descriptor = os.open(log, os.O_RDWR | _READ)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size <= MOST_BYTES:
            return
        begins = _begin_of_newer(older)
        if found.st_size > FLOOD_BYTES:
            _empty_and_copy(descriptor, older, begins, _KEPT_OF_FLOOD)
            return
        try:
            if not _cut_blocks(descriptor, found, older, begins):
                _copy_and_empty(descriptor, found.st_size, older, begins)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            older.unlink(missing_ok=True)
            _empty_and_copy(descriptor, older, begins, _KEPT_BYTES)
    finally:
        os.close(descriptor)


def _begin_of_newer(older: Path) -> int:
    """Return how many bytes of output came before the newer file."""
    try:
        with open(os.open(older, os.O_RDONLY | _READ), "rb") as file:
            gone, skipped = gone_before(file.read(LONGEST_LINE))
            return gone + os.fstat(file.fileno()).st_size - skipped
    except OSError:
        return 0


def _cut_blocks(descriptor: int, found: os.stat_result, older: Path, begins: int) -> bool:
    """Take whole blocks away from the front: nothing that is written meanwhile is lost. False if that cannot be done.

    Only some file systems can (ext4, XFS), and some write to the disk first what has not been written yet.
    """
    if sys.platform != "linux" or found.st_dev in _cannot_collapse:
        return False
    cut = (found.st_size - 1) // found.st_blksize * found.st_blksize
    first = max(0, cut - _KEPT_BYTES)
    _replace(older, begins + first, _pieces(descriptor, first, cut))
    try:
        _collapse(descriptor, cut)
    except OSError:
        _cannot_collapse.add(found.st_dev)
        return False
    return True


def _collapse(descriptor: int, length: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate  # where off_t has 32 bits
    if fallocate(descriptor, _COLLAPSE_RANGE, ctypes.c_int64(0), ctypes.c_int64(length)):
        raise OSError(ctypes.get_errno(), "the front of a file cannot be cut off")


def _copy_and_empty(descriptor: int, size: int, older: Path, begins: int) -> None:
    """Copy the end, and what comes meanwhile, then empty the file.

    What is written between the last piece and that is lost: some microseconds, in a log that is cut all the time.
    """
    first = max(0, size - _KEPT_BYTES + _MARGIN_BYTES)
    _replace(older, begins + first, _pieces(descriptor, first, size))
    with open(older, "ab", buffering=0) as file:
        for piece in _pieces(descriptor, size, first + _KEPT_BYTES):
            _write(file, piece)
    os.ftruncate(descriptor, 0)


def _empty_and_copy(descriptor: int, older: Path, begins: int, most: int) -> None:
    """Empty the file, then write the end that it had: on a full disk this makes room, in a flood it loses the least."""
    size = os.fstat(descriptor).st_size
    first = max(0, size - most)
    pieces = list(_pieces(descriptor, first, size))
    os.ftruncate(descriptor, 0)
    _replace(older, begins + first, pieces)


def _replace(older: Path, gone: int, pieces: Iterable[bytes]) -> None:
    """Put a new older file, which begins after so many bytes of output, in the place of the old one."""
    beside = older.with_name(f"{older.name}.new")
    beside.unlink(missing_ok=True)
    try:
        with open(beside, "xb", buffering=0) as file:
            _write(file, first_line(gone))
            for piece in pieces:
                _write(file, piece)
        os.rename(beside, older)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _write(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


def _pieces(descriptor: int, first: int, end: int) -> Iterator[bytes]:
    """Yield what stands between two places of a file, as far as there is something."""
    while first < end and (piece := os.pread(descriptor, min(_PIECE, end - first), first)):
        yield piece
        first += len(piece)
