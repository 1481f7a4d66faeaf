"""One SQLite file: opened when first used, one transaction at a time, every error in our words.

A connection belongs to the process that opened it: a forked child opens its own and never closes the old one. After
an input or output error the connection is closed and the next use opens a new one; nothing is tried again here.
"""

import contextlib
import ctypes
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from outlast.core.errors import Busy, OutlastError, StoreBroken, StoreReadOnly, UsageError
from outlast.crashpoint import crash_point
from outlast.storage.durable import ensure_directory
from outlast.storage.sqlite import failures
from outlast.storage.sqlite.snapshot import Snapshot

BUSY_SECONDS = 10.0
"""How long another process may hold the lock before we give up."""
_PROBE_AFTER = 8
"""Ordinary waits are over by then; only later ones are worth a look at whether locks work at all."""
_CHECKPOINT_PAGES = 4000
"""About 16 MB of WAL: a file of that size is overwritten, not grown (PERFORMANCE 4.2)."""
_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE

_log = logging.getLogger("outlast")

Row = tuple[Any, ...]
Identity = tuple[int, int]


class Database:
    """The connection of this process to one file. Calls from several threads follow one another.

    `prepare` makes a fresh connection ready before anything else uses it. `epoch` changes when what was read or
    written before may no longer be in the store: after a rollback, or with another connection.
    """

    def __init__(self, path: Path, prepare: Callable[[apsw.Connection], None]) -> None:
        self.path = path
        self.epoch = 0
        self._prepare = prepare
        self._connection: apsw.Connection | None = None
        self._cursor: apsw.Cursor | None = None
        self._snapshot: Snapshot | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._depth = 0
        self._lost: OutlastError | None = None
        self._points: list[str] = []
        self._names = ("", "")
        self._files: tuple[Identity | None, Identity | None] = (None, None)
        self._version_base = 0
        self._last_version = 0
        self._busy_since = 0.0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        with self._held():
            cursor = self._ready()
            try:
                return cursor.execute(sql, parameters).fetchall()
            except (apsw.Error, UnicodeError, OverflowError) as error:
                raise self._failed(error) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters."""
        with self._held():
            cursor = self._ready()
            try:
                cursor.executemany(sql, rows)
            except (apsw.Error, UnicodeError, OverflowError) as error:
                raise self._failed(error) from error

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with self._held():
            self.execute(sql, parameters)
            return 0 if self._connection is None else self._connection.changes()

    @contextlib.contextmanager
    def write(self, point: str = "") -> Iterator[None]:
        """Make the block one durable change; inside an open transaction, a part of it.

        The crash point `point`:begun stands before the commit, `point`:committed after the outermost one.
        """
        with self._held():
            if self._depth:
                yield
                self._reach(point)
                return
            with self._transaction("BEGIN IMMEDIATE"):
                yield
                self._reach(point)
            self._committed()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Make the block one durable change; an inner block that raises undoes only itself."""
        with self._held():
            if not self._depth:
                with self.write():
                    yield
                return
            self.execute("SAVEPOINT inner_batch")
            try:
                yield
            except BaseException:
                self._undo_inner()
                raise
            self.execute("RELEASE inner_batch")

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """Let the statements of the block see one state of the store."""
        with self._held():
            if self._depth:
                yield
                return
            with self._transaction("BEGIN"):
                yield

    def version(self) -> int:
        """Return a number that changes with every commit of another connection."""
        with self._held():
            # Asked first: it may open a new connection, whose own count starts again.
            theirs = int(self.execute("PRAGMA data_version")[0][0])
            self._last_version = self._version_base + theirs
            return self._last_version

    def between_transactions(self, sql: str) -> None:
        """Run a statement that is no part of a change, unless a transaction is open."""
        with self._held():
            if not self._depth:
                self.execute(sql)

    def check_writable(self) -> None:
        """Raise StoreReadOnly if the file can only be read."""
        with self._held():
            self._ready()
            assert self._connection is not None
            if self._snapshot is not None or self._connection.readonly("main"):
                raise failures.read_only(self.path)

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        with self._held():
            if self._depth:
                raise StoreBroken(f"{self.path} is in the middle of a change.", "Close the store after its batch.")
            self._drop()

    def _held(self) -> threading.RLock:
        """Return the lock under which this process uses its connection."""
        if self._pid != os.getpid():
            self._disown()
        return self._lock

    def _disown(self) -> None:
        """Start afresh in a forked child: the connection, and perhaps a transaction, are the parent's."""
        self._pid = os.getpid()
        self._lock = threading.RLock()
        if self._connection is not None:
            # Closing it would drop the parent's locks, so it must outlive even the end of the interpreter.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._cursor))
        self._connection = self._cursor = self._snapshot = None
        self._depth = 0
        self._version_base = self._last_version + 1

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        if begin != "BEGIN":
            self.check_writable()
        self._lost = None
        self._points = []
        try:
            self.execute(begin)
            self._depth = 1
            yield
            if self._lost is not None:
                raise self._lost
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth = 0

    def _roll_back(self) -> None:
        self.epoch += 1
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error:
            self._drop(broken=True)

    def _undo_inner(self) -> None:
        self.epoch += 1
        if self._lost is None:
            self.execute("ROLLBACK TO inner_batch")
            self.execute("RELEASE inner_batch")

    def _reach(self, point: str) -> None:
        if point:
            crash_point(f"{point}:begun")
            self._points.append(point)

    def _committed(self) -> None:
        for point in self._points:
            crash_point(f"{point}:committed")
        self._check_files()

    def _ready(self) -> apsw.Cursor:
        if self._depth:
            if self._lost is not None:
                raise self._lost
        elif self._connection is not None:
            self._check_files()
        if self._cursor is None:
            self._open()
        assert self._cursor is not None
        return self._cursor

    def _check_files(self) -> None:
        """Notice that the file was removed or replaced under us: what we write there would be lost."""
        if self._snapshot is not None:
            if self._snapshot.outdated():
                self._drop()
            return
        store, wal = self._identities()
        if (store, wal) == self._files:
            return
        if store == self._files[0] and wal is None:
            self._save_lost_wal()
        elif store == self._files[0]:
            # Another process has done the same just now, and a new WAL is in use.
            self._drop(broken=True)
        else:
            self._drop(broken=True)
            raise StoreBroken(
                f"{self.path} was removed or replaced while it was in use.",
                "Its last changes went with the old file. Put that one back, or try again to go on with the new one.",
            )

    def _save_lost_wal(self) -> None:
        """Move what only the deleted WAL holds into the store's file, and go on with a new WAL."""
        _log.warning("%s-wal was deleted while it was in use; nothing was lost.", self.path)
        assert self._connection is not None
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except apsw.Error as error:
            raise self._failed(error) from error
        self._drop(broken=True)

    def _identities(self) -> tuple[Identity | None, Identity | None]:
        return _identity(self._names[0]), _identity(self._names[1])

    def _open(self) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._open_once()
                return
            except Busy:
                # SQLite does not wait by itself while another process turns a new file into a WAL store.
                self._drop(broken=True)
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            except BaseException:
                self._drop(broken=True)
                raise

    def _open_once(self) -> None:
        try:
            self._check_path()
            try:
                self._connect(self.path)
            except StoreReadOnly:
                if not self.path.exists():
                    raise
                self._drop(broken=True)
                self._snapshot = Snapshot(self.path)
                self._connect(self._snapshot.path)
        except OSError as error:
            raise failures.from_errno(error.errno or 0, self.path, str(error)) from error

    def _check_path(self) -> None:
        """Refuse what SQLite would wait for or misread: a directory, a pipe."""
        try:
            mode = os.stat(self.path).st_mode
        except FileNotFoundError:
            ensure_directory(self.path.parent)
            return
        if not stat.S_ISREG(mode):
            raise StoreBroken(f"{self.path} is not a file.", "Move it away, or set JOBS_DATA_DIR to another directory.")

    def _connect(self, path: Path) -> None:
        try:
            self._connection = apsw.Connection(str(path), flags=_FLAGS)
        except apsw.Error as error:
            raise failures.not_opened(error, self.path) from error
        self._connection.set_busy_handler(self._wait)
        self._connection.wal_autocheckpoint(_CHECKPOINT_PAGES)
        try:
            self._prepare(self._connection)
        except apsw.Error as error:
            raise self._failed(error) from error
        self._cursor = self._connection.cursor()
        # SQLite keeps the WAL beside the file that a link points to.
        self._names = (str(path), f"{self._connection.filename}-wal")
        self._files = self._identities()
        self.epoch += 1

    def _wait(self, calls: int) -> bool:
        if calls == 0:
            self._busy_since = time.monotonic()
        if calls == _PROBE_AFTER and failures.broken_locks(self.path.parent) is not None:
            return False
        if time.monotonic() - self._busy_since > BUSY_SECONDS:
            return False
        time.sleep(min(0.0002 * (calls + 1), 0.005))
        return True

    def _failed(self, error: Exception) -> OutlastError:
        """Return our error; let go of a connection and a transaction that may no longer be trusted."""
        if isinstance(error, UnicodeDecodeError):
            return failures.damaged(self.path, "a text in it is not UTF-8")
        if not isinstance(error, apsw.Error):
            return UsageError(f"The store cannot hold this: {error}.", "Pass valid Unicode, and smaller numbers.")
        number = 0 if self._connection is None else self._connection.system_errno
        ours = failures.translate(error, self.path, number)
        if isinstance(ours, UsageError):
            return ours
        if self._depth:
            self._lost = ours
        if not isinstance(ours, Busy):
            self._drop(broken=True)
        return ours

    def _drop(self, *, broken: bool = False) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        snapshot, self._snapshot = self._snapshot, None
        self._version_base = self._last_version + 1
        if connection is not None:
            if broken:
                # What a failed write left in the WAL must not reach the file through us.
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.close(True)
        if snapshot is not None:
            snapshot.close()


def _identity(name: str) -> Identity | None:
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_dev, status.st_ino
