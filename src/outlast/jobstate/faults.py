"""Errors of the operating system about job state, in our words: which file, what happened, and the next step."""

import errno
import os

from outlast.core.errors import Busy, OutlastError, StoreBroken, StoreFull, StoreReadOnly, UsageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NOT_IN_PLACE = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV})
_TOO_MANY = frozenset({errno.EMFILE, errno.ENFILE})
LOCKS_FAIL = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


class ShortWrite(OSError):
    """Only a part was written: the disk is full."""

    def __init__(self, path: str, written: int, wanted: int) -> None:
        super().__init__(errno.ENOSPC, f"Only {written:,} of {wanted:,} bytes were written", path)


def told(error: OSError, path: str) -> OutlastError:
    """Return our error for what the operating system said about `path`."""
    number, cause = error.errno or 0, error.strerror or str(error)
    path = error.filename if isinstance(error.filename, str) else path
    if number in _FULL:
        return StoreFull(f"No space is left to write {path}.", "It was not acknowledged. Free some space, then go on.")
    if number in _READ_ONLY:
        return StoreReadOnly(f"{path} cannot be written: {cause}.", "Check its owner and mode, or name another dir.")
    if number in _NOT_IN_PLACE:
        return StoreBroken(f"{path} is not what belongs there: {cause}.", "Move it away; it is made anew.")
    if number in _TOO_MANY:
        return Busy(f"{path} cannot be opened: {cause}.", "Raise the limit of open files (ulimit -n), or close some.")
    if number == errno.ENAMETOOLONG:
        return UsageError(f"{path} is too long a path.", "Name a shorter directory for job state.")
    if number in LOCKS_FAIL:
        return StoreBroken(f"{path} cannot be locked: {cause}.", "Name a dir on a local disk; this one has no locks.")
    return StoreBroken(f"{path} could not be read or written: {cause}.", "See to the disk (dmesg), then try again.")


def not_a_file(path: str) -> StoreBroken:
    """Return the error for a directory, pipe or device in the place of a file."""
    return StoreBroken(f"{path} is not a file.", "Move it away; it is made anew.")


def say(words: str, *values: object) -> None:
    """Write a warning to the log of job state."""
    import logging

    logging.getLogger("outlast.jobstate").warning(words, *values)


def spelled(path: str) -> str:
    """Return a path as it may stand in a log, whatever bytes it holds."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
