"""The files that a person names for something to be written to."""

import stat
from pathlib import Path


def is_stream(target: Path) -> bool:
    """Tell whether a target is a pipe or a device, or leads to what this process has open: /dev/stdout."""
    place = target.absolute()
    if place.is_relative_to("/proc") or (place.is_relative_to("/dev") and not place.is_relative_to("/dev/shm")):
        return True
    return target.exists() and not stat.S_ISREG(target.stat().st_mode)


def begins_with(path: Path, magic: bytes) -> bool:
    """Tell whether a file begins with these bytes."""
    with open(path, "rb") as file:
        return file.read(len(magic)) == magic
