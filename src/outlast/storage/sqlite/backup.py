"""Copies of a store: taken page by page from one moment, checked, flushed, and only then put in place of the last."""

import contextlib
import errno
import logging
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from outlast.core.errors import OutlastError, StoreDamaged, StoreFull
from outlast.crashpoint import crash_point
from outlast.durable import ensure_directory, fsync_directory, keep_aside, new_file_beside, sweep
from outlast.storage.sqlite import failures
from outlast.storage.sqlite.beside import backup_of
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.existing import birth_of, open_existing
from outlast.storage.sqlite.jobs import SqliteJobs

MOST_BYTES = 256 * 1024 * 1024
"""A larger store is not copied every hour."""
EVERY_SECONDS = 3600.0
FRESH_SECONDS = 600.0
"""A supervisor that starts finds a copy of this age young enough: some start every few minutes."""
SPARE_BYTES = 64 * 1024 * 1024
"""What an automatic copy leaves free: it must not be what fills the disk."""
DESCRIPTORS = 12
"""A copy takes six, and SQLite keeps one of them as long as the store is open; the rest is for starting processes."""
PAGES_A_STEP = 256
"""One megabyte, copied and flushed in a few milliseconds."""

_log = logging.getLogger("outlast")
_PRIVATE = ("journal_mode = OFF", "synchronous = OFF", "cache_size = 64", "locking_mode = EXCLUSIVE")
"""Nobody else sees the copy before it is whole, and what does not fit a small cache is written at once."""


class Backup:
    """Keeps the last good copy of a store beside it, without holding up whoever calls `work`."""

    def __init__(self, store: SqliteJobs, *, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._target = backup_of(store.path)
        self._most_bytes = most_bytes
        self._steps: Iterator[None] | None = None
        self._copied: object = None
        self._copying: object = None
        self._is_first = True
        self._said_too_large = False

    def work(self) -> bool:
        """Do the next part of a copy if one is due; return True if there is more to do. Raise OutlastError, OSError."""
        if self._steps is None and not self._begin():
            return False
        assert self._steps is not None
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
            self._copied = self._copying
            return False
        except BaseException:
            self._steps = None
            raise
        return True

    def _begin(self) -> bool:
        is_first, self._is_first = self._is_first, False
        if is_first and _age_seconds(self._target) < FRESH_SECONDS:
            return False
        if not _can_open(DESCRIPTORS):
            raise OSError(errno.EMFILE, f"Fewer than {DESCRIPTORS} more files can be opened")
        # Taken before the copy is begun: what is changed meanwhile is copied the next time.
        self._copying = self._store.database.stamp()
        if self._copying == self._copied or self._is_too_large():
            return False
        ensure_directory(self._target.parent)
        sweep(self._target)
        self._steps = copy_store(self._store.path, self._target, spare_bytes=SPARE_BYTES)
        return True

    def _is_too_large(self) -> bool:
        is_too_large = self._store.database.size() > self._most_bytes
        if is_too_large and not self._said_too_large:
            size = f"{self._most_bytes // 1024**2:,} MB"
            _log.warning("%s has over %s: copy it yourself with `outlast backup FILE`.", self._store.path, size)
        self._said_too_large = is_too_large
        return is_too_large


def _can_open(count: int) -> bool:
    with contextlib.ExitStack() as opened:
        try:
            for _ in range(count):
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return False
    return True


def copy_store(path: Path, target: Path, *, spare_bytes: int = 0, pages: int = PAGES_A_STEP) -> Iterator[None]:
    """Copy a store to a file in steps; a target of the same store is replaced at the end, another one set aside.

    Raise StoreDamaged for a store or a copy that is not sound: then the target stays as it is. Raise StoreFull.
    """
    with contextlib.closing(open_existing(path)) as source, contextlib.ExitStack() as made:
        with source.read():
            born = birth_of(source)
            _see_to_room(source, target, spare_bytes)
            descriptor, temporary = made.enter_context(new_file_beside(target, 0o600))
            made.callback(_remove_journal, temporary)
            yield from _copy_pages(source, temporary, descriptor, pages)
            yield from _check(path, temporary)
            os.fchmod(descriptor, _mode_of(path))
            os.fsync(descriptor)
        _put_in_place(temporary, target, born)


def _remove_journal(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(f"{temporary}-journal")


def _see_to_room(source: Database, target: Path, spare_bytes: int) -> None:
    disk = os.statvfs(target.parent)
    if disk.f_bavail * disk.f_frsize < source.size() + spare_bytes:
        raise failures.full(target)


def _copy_pages(source: Database, temporary: Path, descriptor: int, pages: int) -> Iterator[None]:
    """Copy in steps, each flushed: one flush at the end might take seconds."""
    with _told(source.path, temporary), contextlib.closing(apsw.Connection(str(temporary))) as target:
        for text in _PRIVATE:
            target.execute(f"PRAGMA {text}").fetchall()
        with source.copy_to(target) as copy:
            while not copy.step(pages):
                os.fdatasync(descriptor)
                yield
        # So it is one file, and can be read where nothing can be written.
        target.execute("PRAGMA journal_mode = DELETE").fetchall()
    crash_point("backup:copied")
    yield


@contextlib.contextmanager
def _told(path: Path, temporary: Path) -> Iterator[None]:
    """Tell of the store what is wrong with it, and of the copy that there is no room for it."""
    try:
        with failures.told(path):
            yield
    except StoreFull:
        raise failures.full(temporary) from None


def _check(path: Path, temporary: Path) -> Iterator[None]:
    """Check the copy table by table: it is what the store is."""
    flags = apsw.SQLITE_OPEN_READONLY
    with failures.told(path), contextlib.closing(apsw.Connection(str(temporary), flags=flags)) as copy:
        tables = [name for (name,) in copy.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            found = [row[0] for row in copy.execute(f"PRAGMA quick_check({table})")]
            if found != ["ok"]:
                raise failures.damaged(path, str(found[0]))
            yield


def _put_in_place(temporary: Path, target: Path, born: object) -> None:
    crash_point("backup:checked")
    word = _why_not_replaced(target, born)
    if word:
        _log.warning("%s was no copy of this store and is kept as %s.", target, keep_aside(target, word).name)
    os.replace(temporary, target)
    crash_point("backup:renamed")
    fsync_directory(target.parent)


def _why_not_replaced(target: Path, born: object) -> str:
    """Return the word under which a target is kept, none for an earlier copy of the same store, or if it is new."""
    if not os.path.lexists(target):
        return ""
    try:
        with contextlib.closing(open_existing(target)) as database:
            return "" if birth_of(database) == born else "of-another-store"
    except StoreDamaged:
        return "damaged"
    except OutlastError:
        return "replaced"


def _mode_of(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _age_seconds(path: Path) -> float:
    try:
        age = time.time() - os.stat(path).st_mtime
    except OSError:
        return float("inf")
    # A copy from the future tells nothing of its age: clocks are set back.
    return age if age >= 0 else float("inf")
