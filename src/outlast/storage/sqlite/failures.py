"""SQLite's errors in our words: which file, what happened, and the next step."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import apsw

from outlast.core.errors import (
    Busy,
    OutlastError,
    StoreBroken,
    StoreDamaged,
    StoreFull,
    StoreGone,
    StoreReadOnly,
    UsageError,
)
from outlast.durable import ensure_directory
from outlast.storage.sqlite.beside import backup_of, marker_of

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NOT_ABOUT_THE_FILE = frozenset({"ConstraintError", "TooBigError", "RangeError", "MismatchError"})
_OF_A_DAMAGED_STORE = ("no such table", "no such index", "no such col", "malformed JSON", "malformed database schema")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
"""What Python says of a row that cannot be understood."""
_DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)


def check_path(path: Path, *, must_exist: bool = False) -> None:
    """Make the directory of a new store; refuse what SQLite would wait for or misread: a directory, a pipe.

    Refuse also what must not become a new store: one that is being repaired, and one that is suddenly empty.
    """
    if os.path.lexists(marker_of(path)):
        raise StoreDamaged(f"A repair of {path} was interrupted.", "Run `outlast doctor --repair` again to finish it.")
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if must_exist:
            raise StoreGone(f"{path} does not exist.", "outlast submit makes it.") from None
        ensure_directory(path.parent)
        return
    if not stat.S_ISREG(found.st_mode):
        raise StoreBroken(f"{path} is not a file.", "Move it away, or set JOBS_DATA_DIR to another directory.")
    if found.st_size == 1:
        raise damaged(path, "it has one byte")  # which SQLite takes for a new file
    if found.st_size == 0 and backup_of(path).exists():
        raise damaged(path, "it is empty, but there is a backup of it")


def translate(error: apsw.Error, path: Path, system_errno: int = 0) -> OutlastError:
    """Return our error for SQLite's; `system_errno` is what the operating system said last."""
    kind = type(error).__name__
    if isinstance(error, _DAMAGED) or _is_short_read(error) or _misses_a_part(error):
        return damaged(path, str(error))
    if isinstance(error, apsw.FullError):
        return full(path)
    if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError):
        return read_only(path)
    if isinstance(error, apsw.BusyError | apsw.LockedError | apsw.ProtocolError):
        return busy_or_broken(path)
    if isinstance(error, apsw.CantOpenError):
        return _not_opened(error, path, system_errno)
    if isinstance(error, apsw.IOError):
        return from_errno(system_errno, path, str(error))
    if kind in _NOT_ABOUT_THE_FILE:
        return UsageError(f"{path} does not take this: {error}.", "Pass smaller values.")
    return StoreBroken(f"{path}: SQLite said {kind}: {error}.", "Run `outlast doctor`.")


def _not_opened(error: apsw.Error, path: Path, system_errno: int) -> OutlastError:
    """Return our error for a file that could not be opened: this one, or one beside it that SQLite needs."""
    if path.exists() and not os.access(path, os.R_OK):
        return StoreReadOnly(f"{path} cannot be read: permission denied.", "Give this user the right to read it.")
    # SQLite tries again to read only, so the last errno is not the telling one.
    return from_errno(_errno_of_new_file(path.parent) or system_errno, path, str(error))


def _errno_of_new_file(directory: Path) -> int:
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=directory):
            return 0
    except OSError as error:
        return error.errno or 0


def _is_short_read(error: apsw.Error) -> bool:
    return getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHORT_READ


def _misses_a_part(error: apsw.Error) -> bool:
    return isinstance(error, apsw.SQLError) and str(error).startswith(_OF_A_DAMAGED_STORE)


def from_errno(number: int, path: Path, cause: str) -> OutlastError:
    """Return our error for what the operating system said about the store's file."""
    if number in _FULL:
        return full(path)
    if number in _READ_ONLY:
        return read_only(path)
    words = os.strerror(number) if number else cause
    return StoreBroken(
        f"{path} could not be read or written: {words}.",
        "Nothing was acknowledged that is not saved. See to the disk (dmesg), then run `outlast doctor`.",
    )


def damaged(path: Path, cause: str) -> StoreDamaged:
    # SQLite quotes what it could not read.
    words = "".join(letter if letter.isprintable() else " " for letter in cause[:300])
    return StoreDamaged(f"{path} is damaged: {' '.join(words.split())}.", "Run `outlast doctor --repair`.")


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Tell what SQLite says of any file as what happened to `path`."""
    try:
        yield
    except apsw.Error as error:
        raise translate(error, path) from error


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Call a row that cannot be understood what it is: damage."""
    try:
        yield
    except UNREADABLE as error:
        raise damaged(path, f"a row cannot be read ({type(error).__name__}: {error})") from error


def full(path: Path) -> StoreFull:
    return StoreFull(f"No space is left to write {path}.", "Nothing was changed. Free some space, then try again.")


def read_only(path: Path) -> StoreReadOnly:
    return StoreReadOnly(
        f"{path} cannot be written: it, or its directory, is read-only.",
        "Give this user the right to write there, or set JOBS_DATA_DIR to another directory.",
    )


def busy_or_broken(path: Path) -> Busy | StoreBroken:
    """Return Busy if locks work in the store's directory, else StoreBroken: waiting would not help."""
    number = broken_locks(path.parent)
    if number is not None:
        return StoreBroken(
            f"{path} cannot be locked: {os.strerror(number)}.",
            "Locking does not work on this disk. Set JOBS_DATA_DIR to a local one.",
        )
    return Busy(f"{path} is locked by another process.", "Try again; `outlast doctor` shows who uses it.")


def broken_locks(directory: Path) -> int | None:
    """Return the errno with which locking fails in `directory`, None if it works or cannot be tried.

    SQLite calls ENOLCK "busy" and would wait for it. A file of our own is locked instead of the
    store's: closing that one would drop the locks of this process.
    """
    import tempfile

    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=directory) as probe:
        try:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno
    return None


def no_wal(path: Path, mode: object) -> StoreBroken:
    return StoreBroken(
        f"{path} cannot be used in WAL mode here (SQLite chose {mode}).", "Set JOBS_DATA_DIR to a local disk."
    )
