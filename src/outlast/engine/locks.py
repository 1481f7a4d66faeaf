"""Who holds a record lock, asked of the kernel without taking it."""

import fcntl
import os
import struct
import sys
from pathlib import Path

SOMEBODY = 0
"""A holder whose pid cannot be told: of another container, or of an open file description."""

# struct flock of fcntl(2): on Linux the type comes first, on macOS the start.
_ON_MACOS = sys.platform == "darwin"
_LAYOUT = "qqihh" if _ON_MACOS else "hhqqi"


def holder_of(path: Path, *, start: int = 0, length: int = 0) -> int | None:
    """Return the pid of a process that holds a lock on these bytes (`length` 0: to the end), None if nobody does.

    Never ask about a file that this process has locked: closing it lets go of that lock. Raise OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return holder(descriptor, start=start, length=length)
    finally:
        os.close(descriptor)


def holder(descriptor: int, *, start: int = 0, length: int = 0) -> int | None:
    """Return the same for an open file."""
    wanted = (fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    asked = (*wanted[2:], *wanted[:2]) if _ON_MACOS else wanted
    answer = struct.unpack(_LAYOUT, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_LAYOUT, *asked)))
    kind, pid = (answer[3], answer[2]) if _ON_MACOS else (answer[0], answer[4])
    return None if kind == fcntl.F_UNLCK else max(pid, SOMEBODY)
