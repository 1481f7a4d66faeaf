"""One SQLite file: opened when first used, one transaction at a time, every error in our words.

A connection belongs to the process that opened it: a forked child opens its own and never closes the old one. After
an input or output error the connection is closed and the next use opens a new one; nothing is tried again here.

The path of a change is kept short on purpose: after each fsync the processor's caches are cold, and what takes a
microsecond in a loop takes three.
"""

import contextlib
import ctypes
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from outlast.core.errors import Busy, OutlastError, StoreBroken, StoreReadOnly, UsageError
from outlast.crashpoint import crash_point
from outlast.storage.durable import ensure_directory
from outlast.storage.sqlite import failures
from outlast.storage.sqlite.snapshot import Snapshot
from outlast.storage.sqlite.watch import Change, Watch

BUSY_SECONDS = 10.0
"""How long another process may hold the lock before we give up."""
_PROBE_AFTER = 8
"""Ordinary waits are over by then; only later ones are worth a look at whether locks work at all."""
_CHECKPOINT_PAGES = 4000
"""About 16 MB of WAL: a file of that size is overwritten, not grown (PERFORMANCE 4.2)."""
_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
_WRONG_VALUE = (UnicodeError, OverflowError)

_log = logging.getLogger("outlast")

Row = tuple[Any, ...]


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
        self._watch: Watch | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._depth = 0
        self._writing = False
        self._lost: OutlastError | None = None
        self._points: list[str] = []
        self._version_base = 0
        self._last_version = 0
        self._busy_since = 0.0

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
        """Run one statement and return how many rows it changed."""
        with self._held():
            self.execute(sql, parameters)
            return 0 if self._connection is None else self._connection.changes()

    def write(self, point: str = "") -> "Transaction":
        """Make a block one durable change; inside an open transaction, a part of it.

        The crash point `point`:begun stands before the commit, `point`:committed after the outermost one.
        """
        return Transaction(self, point, writing=True)

    def read(self) -> "Transaction":
        """Let the statements of a block see one state of the store."""
        return Transaction(self, "", writing=False)

    def batch(self) -> AbstractContextManager[None]:
        """Make a block one durable change; an inner block that raises undoes only itself."""
        return self._inner_batch() if self._depth and self._pid == os.getpid() else self.write()
