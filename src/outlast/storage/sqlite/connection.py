"""One SQLite file: opened when first used, one transaction at a time, every error in our words.

A connection belongs to the process that opened it: a forked child opens its own and never closes the old one. After
an input or output error the connection is closed and the next use opens a new one; nothing is tried again here.

The path of a change is kept short on purpose: after each fsync the processor's caches are cold, and what takes a
microsecond in a loop takes three.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from outlast.core.errors import Busy, OutlastError, StoreBroken, StoreFull, StoreGone, StoreReadOnly, UsageError
from outlast.crashpoint import crash_point
from outlast.storage.sqlite import failures
from outlast.storage.sqlite.beside import has_wal
from outlast.storage.sqlite.patience import BUSY_SECONDS, Patience
from outlast.storage.sqlite.room import checkpoint_pages
from outlast.storage.sqlite.transaction import Transaction
from outlast.storage.sqlite.watch import Change, Watch, file_of

if TYPE_CHECKING:
    from outlast.storage.sqlite.snapshot import Snapshot

_WRONG_VALUE = (UnicodeError, OverflowError)
_READING = "BEGIN"
_FLUSHED = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE"
_UNFLUSHED = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE"
_AS_BEFORE = "BEGIN IMMEDIATE"

_log = logging.getLogger("outlast")

Row = tuple[Any, ...]


class Database:
    """The connection of this process to one file. Calls from several threads follow one another.

    `prepare` makes a fresh connection ready before anything else uses it. `epoch` changes when what was read or
    written before may no longer be in the store: after a rollback, or with another connection. `wal_name` is known
    once the store was opened. With `must_exist` no file is made: StoreGone is raised where there is none.
    """

    def __init__(self, path: Path, prepare: Callable[[apsw.Connection], None], *, must_exist: bool = False) -> None:
        self.path = path
        self.epoch = 0
        self._prepare = prepare
        self._flags = apsw.SQLITE_OPEN_READWRITE | (0 if must_exist else apsw.SQLITE_OPEN_CREATE)
        self._connection: apsw.Connection | None = None
        self._cursor: apsw.Cursor | None = None
        self._snapshot: Snapshot | None = None
        self._watch: Watch | None = None
        self.wal_name = ""
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._depth = 0
        self._writes = False
        self._flushing = ""
        self._read_only: OutlastError | None = None
        self._lost: OutlastError | None = None
        self._points: list[str] = []
        self._version_base = 0
        self._last_version = 0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        with self._held():
            cursor = self._ready()
            try:
                return cursor.execute(sql, parameters).fetchall()
            except (apsw.Error, *_WRONG_VALUE) as error:
                raise self._failed(error) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters."""
        with self._held():
            cursor = self._ready()
            try:
                cursor.executemany(sql, rows)
            except (apsw.Error, *_WRONG_VALUE) as error:
                raise self._failed(error) from error

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement that writes, and return how many rows it changed."""
        with self._held():
            cursor = self._ready()
            try:
                cursor.execute(sql, parameters)
            except (apsw.Error, *_WRONG_VALUE) as error:
                raise self._failed(error) from error
            return cursor.connection.changes()

    def write(self, point: str = "") -> Transaction:
        """Make a block one durable change; inside an open transaction, a part of it.

        The crash point `point`:begun stands before the commit, `point`:committed after the outermost one.
        """
        return Transaction(self, _FLUSHED, point)

    def batch(self, *, flush: bool = True) -> Transaction:
        """Make a block one change, durable if it is flushed; an inner block that raises undoes only itself."""
        return Transaction(self, _FLUSHED if flush else _UNFLUSHED, savepoint=True)

    def read(self) -> Transaction:
        """Let the statements of a block see one state of the store."""
        return Transaction(self, _READING)

    def version(self) -> int:
        """Return a number that changes with every commit of another connection."""
        with self._held():
            # Asked first: it may open a new connection, whose own count starts again.
            theirs = int(self.execute("PRAGMA data_version")[0][0])
            self._last_version = self._version_base + theirs
            return self._last_version

    def stamp(self) -> tuple[int, int, int]:
        """Return something that differs after any change, whoever made it."""
        with self._held():
            version = self.version()
            return self.epoch, version, self._opened().connection.total_changes()

    def size(self) -> int:
        """Return how many bytes the file has, or will have when the WAL is moved into it."""
        return int(self.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0])

    def copy_to(self, target: apsw.Connection) -> apsw.Backup:
        """Begin to copy the pages of the file. Inside an open `read` they are those of one moment."""
        return target.backup("main", self._opened().connection, "main")

    def between_transactions(self, sql: str) -> None:
        """Run a statement that is no part of a change, unless a transaction is open."""
        with self._held():
            if not self._depth:
                self.execute(sql)

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        with self._held():
            if self._depth:
                raise StoreBroken(f"{self.path} is in the middle of a change.", "Close the store after its batch.")
            self._drop()

    def abandon(self) -> None:
        """Close the connection without moving the WAL into the file: for a store that is damaged."""
        with self._held():
            self._drop(broken=True)

    def enter(self, begin: str, *, savepoint: bool) -> int:
        """Take the lock and open a transaction, or join the open one; return the process whose it is."""
        lock = self._held()
        lock.acquire()
        try:
            if not self._depth:
                self._begin(begin)
            elif savepoint:
                self.execute("SAVEPOINT inner")
            self._depth += 1
        except BaseException:
            lock.release()
            raise
        return self._pid

    def leave(self, owner: int, point: str, *, savepoint: bool, failed: bool) -> None:
        """End what `enter` began: commit, or undo it if the block has `failed`; let go of the lock."""
        if owner != os.getpid():
            # A child forked inside the block: the transaction is its parent's.
            return
        try:
            if point and not failed:
                crash_point(f"{point}:begun")
                self._points.append(point)
            if self._depth > 1:
                if savepoint:
                    self._end_inner(failed=failed)
            elif failed:
                self._roll_back()
            else:
                self._commit()
        finally:
            self._depth -= 1
            self._lock.release()

    def _begin(self, begin: str) -> None:
        self._lost = None
        self._points.clear()
        writes = begin != _READING
        if self._cursor is not None and not writes:
            # A change is checked after its commit.
            self._check_files()
        if self._cursor is None:
            self._open()
        if writes and self._read_only is not None:
            # The reason may be gone by now.
            self._drop()
            self._open()
            if self._read_only is not None:
                raise self._read_only
        known = self._flushing
        if writes:
            self._flushing = ""  # if this fails, the pragma may have been carried out, or not
        try:
            self._opened().execute(_AS_BEFORE if begin == known else begin)
        except apsw.Error as error:
            raise self._failed(error) from error
        self._writes = writes
        if writes:
            self._flushing = begin

    def _commit(self) -> None:
        try:
            if self._lost is not None:
                raise self._lost
            self._opened().execute("COMMIT")
        except apsw.Error as error:
            ours = self._failed(error)
            self._roll_back()
            raise ours from error
        except BaseException:
            self._roll_back()
            raise
        for point in self._points:
            crash_point(f"{point}:committed")
        if self._writes:
            self._check_files()

    def _roll_back(self) -> None:
        self.epoch += 1
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error:
            self._drop(broken=True)

    def _end_inner(self, *, failed: bool) -> None:
        if failed:
            self.epoch += 1
            if self._lost is not None:
                return
            self.execute("ROLLBACK TO inner")
        self.execute("RELEASE inner")

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
            import ctypes

            # Closing it would drop the parent's locks, so it must outlive even the end of the interpreter.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._cursor))
        self._connection = self._cursor = self._snapshot = None
        self._depth = 0
        self._version_base = self._last_version + 1

    def _ready(self) -> apsw.Cursor:
        if self._depth:
            if self._lost is not None:
                raise self._lost
        elif self._cursor is not None:
            self._check_files()
        if self._cursor is None:
            self._open()
        return self._opened()

    def _opened(self) -> apsw.Cursor:
        assert self._cursor is not None
        return self._cursor

    def _check_files(self) -> None:
        """Let go of files that were removed or replaced under us: what is written there would be lost."""
        assert self._watch is not None
        if self._snapshot is not None:
            if self._snapshot.outdated():
                self._drop()
            return
        change = self._watch.look()
        if change is Change.NONE:
            return
        if change is Change.WAL_DELETED:
            self._save_deleted_wal()
        self._drop(broken=True)
        if change is Change.STORE_REPLACED:
            raise StoreGone(
                f"{self.path} was removed or replaced while it was in use.",
                "Its last changes went with the old file. Put that one back, or try again to go on with the new one.",
            )

    def _save_deleted_wal(self) -> None:
        """Move what only the deleted WAL holds into the store's file."""
        _log.warning("%s-wal was deleted while it was in use; what it held is saved.", self.path)
        try:
            self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except apsw.Error as error:
            raise self._failed(error) from error

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
            failures.check_path(self.path, must_exist=not self._flags & apsw.SQLITE_OPEN_CREATE)
            try:
                self._connect(self.path)
            except (StoreReadOnly, StoreFull) as error:
                if not os.access(self.path, os.R_OK):
                    raise
                self._drop(broken=True)
                from outlast.storage.sqlite.snapshot import Snapshot  # what it needs takes long to import, and few do

                self._snapshot = Snapshot(self.path)
                self._connect(self._snapshot.path)
                self._read_only = error
        except OSError as error:
            raise failures.from_errno(error.errno or 0, self.path, str(error)) from error

    def _connect(self, path: Path) -> None:
        before = file_of(str(path))
        self._flushing = ""
        try:
            self._connection = apsw.Connection(str(path), flags=self._flags)
        except apsw.Error as error:
            raise failures.translate(error, self.path) from error
        self._connection.set_busy_handler(Patience(self.path.parent))
        self._connection.wal_autocheckpoint(checkpoint_pages(path.parent))
        try:
            self._prepare(self._connection)
        except (apsw.Error, *_WRONG_VALUE) as error:
            raise self._failed(error) from error
        self._cursor = self._connection.cursor()
        self._read_only = failures.read_only(self.path) if self._connection.readonly("main") else None
        # SQLite keeps the WAL beside the file that a link points to.
        self.wal_name = f"{self._connection.filename}-wal"
        self._watch = Watch(str(path), self.wal_name)
        if before not in (None, self._watch.store_file):
            raise Busy(f"{path} was replaced while it was being opened.", "Try again.")
        self.epoch += 1

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
        if not isinstance(error, apsw.FullError):
            # Also after Busy: it may be our own lock, which the system did not let us give back. A write that found no
            # space harmed nothing, and on a full disk a new connection may not find the space it needs to read.
            self._drop(broken=True)
        return ours

    def _drop(self, *, broken: bool = False) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        snapshot, self._snapshot = self._snapshot, None
        self._version_base = self._last_version + 1
        if connection is not None:
            if broken and has_wal(connection.filename):
                # What a failed write left in the WAL must not reach the file through us.
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.close(True)
        if snapshot is not None:
            snapshot.close()
