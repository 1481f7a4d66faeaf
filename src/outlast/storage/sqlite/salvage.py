"""Rows of a damaged store, as far as they can be read: from both ends of a table, then from the middle of each gap."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from outlast.storage.sqlite import failures
from outlast.storage.sqlite.beside import SIDES

MOST_ATTEMPTS = 300
"""So often a table is entered anew; each time finds at least one row more, or one gap less."""

_WAL = SIDES[0]
# What every store of ours begins with (SQLite's file format, 1.3): magic, page size 4096, WAL, no reserved bytes.
_HEAD = b"SQLite format 3\0" + bytes((0x10, 0x00, 2, 2, 0, 64, 32, 32))
_FORMAT_AT, _FORMAT = 44, (4).to_bytes(4, "big")
_ENCODING_AT, _UTF8 = 56, (1).to_bytes(4, "big")
_VALID_FOR_AT = 92
_PAGE = 4096
_LEAST_BYTES = 512

Columns = dict[str, Any]


class Wreck:
    """A private copy of a damaged store, removed when it is closed. Nothing of it is trusted.

    `unreadable` counts, by table, the rows that were met and could not be understood, and one more if a part of the
    table could not be read at all.
    """

    def __init__(self, descriptor: int, wal: Path | None) -> None:
        """Copy an open file and its WAL. Raise OSError if there is no room for it."""
        self.unreadable: dict[str, int] = {}
        self._directory = Path(tempfile.mkdtemp(prefix="outlast-repair-"))
        self._connection: apsw.Connection | None = None
        try:
            path = self._directory / "jobs.db"
            _copy(descriptor, path)
            if wal is not None and wal.exists():
                shutil.copyfile(wal, f"{path}{_WAL}")
            _mend_head(path)
            self._path = path
            with failures.told(path):
                self._connection = _open(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the copy."""
        if self._connection is not None:
            self._connection.close(True)
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def has_jobs(self) -> bool:
        """True if it is known where the jobs stand in it."""
        return self.has("jobs")

    def has(self, table: str) -> bool:
        """Tell whether it is known where the rows of a table stand in it."""
        return bool(self._types(table))

    def take_description(self, donor: Path) -> None:
        """Read on by the description of the tables that `donor` has, an earlier copy: its pages are where ours were."""
        assert self._connection is not None
        self._connection.close(True)
        with contextlib.suppress(apsw.Error, OSError):
            _graft(self._path, donor)
        with failures.told(self._path):
            self._connection = _open(self._path)

    def columns(self, table: str) -> dict[str, str]:
        """Return the names and types of a table's columns, none for a table that is not there any more."""
        found = self._types(table)
        if not found:
            self.note(table)
        return found

    def _types(self, table: str) -> dict[str, str]:
        try:
            return dict(self._all("SELECT name, type FROM pragma_table_info(?)", (table,)))
        except (apsw.Error, UnicodeDecodeError):
            return {}

    def rows(self, table: str, wanted: Sequence[str]) -> Iterator[Columns]:
        """Yield the rows of a table that can be read, some perhaps twice: of the `wanted` columns those it has."""
        types = self.columns(table)
        names = [name for name in wanted if name in types]
        key = self._key(table)
        if names and key:
            # Text is read as bytes: one that is none must not end the reading.
            shown = ", ".join(f"CAST({name} AS BLOB)" if types[name] == "TEXT" else name for name in names)
            texts = [types[name] == "TEXT" for name in names]
            for row in _Walk(self, table, key, shown).rows():
                columns = self._columns(names, texts, row)
                if columns is None:
                    self.note(table)
                else:
                    yield columns

    def ids(self) -> set[str]:
        """Return the ids of all jobs as their index has them: also of those whose rows cannot be read."""
        found: set[str] = set()
        try:
            for (raw,) in self._execute("SELECT CAST(id AS BLOB) FROM jobs INDEXED BY sqlite_autoindex_jobs_1"):
                with contextlib.suppress(UnicodeDecodeError):
                    found.add(raw.decode())
        except (apsw.Error, UnicodeDecodeError):
            pass
        return found

    def _columns(self, names: Sequence[str], texts: Sequence[bool], row: Sequence[Any]) -> Columns | None:
        try:
            values = [
                value.decode() if is_text and isinstance(value, bytes) else value
                for value, is_text in zip(row, texts, strict=True)
            ]
        except UnicodeDecodeError:
            return None
        return dict(zip(names, values, strict=True))

    def _key(self, table: str) -> str:
        """Return the first column of a table's key; that of a table with row ids is its row id."""
        found = self._all("SELECT name FROM pragma_table_info(?) WHERE pk = 1", (table,))
        return str(found[0][0]) if found else ""

    def _all(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return list(self._execute(sql, parameters))

    def _execute(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        assert self._connection is not None
        return iter(self._connection.execute(sql, parameters))

    def note(self, table: str) -> None:
        """Count a row, or a place, that could not be read."""
        self.unreadable[table] = self.unreadable.get(table, 0) + 1


class _Walk:
    """One table, read from both ends of every gap."""

    def __init__(self, wreck: Wreck, table: str, key: str, shown: str) -> None:
        self._wreck = wreck
        self._table = table
        self._key = key
        self._select = f"SELECT {key}, {shown} FROM {table} NOT INDEXED"
        self._attempts = 0

    def rows(self) -> Iterator[Sequence[Any]]:
        gaps: list[tuple[Any, Any]] = [(None, None)]
        while gaps and self._attempts < MOST_ATTEMPTS:
            low, high = gaps.pop(0)
            ahead = _Reading(low)
            yield from self._read(ahead, low, high, backwards=False)
            if ahead.is_whole:
                continue
            if self._attempts == 1:
                self._wreck.note(self._table)
            back = _Reading(high)
            yield from self._read(back, ahead.last, high, backwards=True)
            if not back.is_whole:
                gaps += _halves(ahead.last, back.last)

    def _read(self, reading: "_Reading", low: Any, high: Any, *, backwards: bool) -> Iterator[Sequence[Any]]:
        # Backwards the last key is read again: a job may have more steps than could be read ahead.
        bounds = [(f"{self._key} {'>=' if backwards else '>'} ?", low), (f"{self._key} < ?", high)]
        used = [(text, value) for text, value in bounds if value is not None]
        where = " AND ".join(text for text, _ in used) or "1"
        order = f"ORDER BY {self._key}{' DESC' if backwards else ''}"
        self._attempts += 1
        try:
            for key, *row in self._wreck._execute(
                f"{self._select} WHERE {where} {order}", [value for _, value in used]
            ):
                reading.last = key
                yield row
        except (apsw.Error, UnicodeDecodeError, MemoryError):
            reading.is_whole = False


class _Reading:
    """How far one reading of a table came."""

    def __init__(self, start: Any) -> None:
        self.last = start
        self.is_whole = True


def _halves(low: Any, high: Any) -> list[tuple[Any, Any]]:
    """Return the two halves of a gap between two numbers, none if nothing can be between them."""
    low = -(2**62) if low is None else low
    high = 2**62 if high is None else high
    if not isinstance(low, int) or not isinstance(high, int) or high - low < 2:
        return []
    middle = (low + high) // 2
    return [(low, middle + 1), (middle, high)]


def _copy(descriptor: int, path: Path) -> None:
    """Copy by the open descriptor: to open the file once more, and close it, would let go of our lock on it."""
    with open(path, "wb") as copy:
        offset = 0
        while block := os.pread(descriptor, 1024 * 1024, offset):
            copy.write(block)
            offset += len(block)


def _mend_head(path: Path) -> None:
    """Put what every store of ours has in common where it belongs, in the copy."""
    with open(path, "r+b") as file:
        if len(file.read(_LEAST_BYTES)) < _LEAST_BYTES:
            return
        for place, text in ((0, _HEAD), (_FORMAT_AT, _FORMAT), (_ENCODING_AT, _UTF8)):
            file.seek(place)
            file.write(text)


def _graft(path: Path, donor: Path) -> None:
    """Put the pages in which another store describes its tables in the place of those of the copy."""
    with contextlib.closing(apsw.Connection(str(donor), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        pages = [page for (page,) in connection.execute("SELECT pageno FROM dbstat WHERE name = 'sqlite_schema'")]
    with open(donor, "rb") as source, open(path, "r+b") as target:
        for page in pages:
            source.seek((page - 1) * _PAGE)
            target.seek((page - 1) * _PAGE)
            target.write(source.read(_PAGE))
        # Then SQLite takes the size of the file for its size, not what the donor had.
        target.seek(_VALID_FOR_AT)
        target.write(bytes(4))
    _mend_head(path)


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    # Then SQLite goes on with what it understands of the tables' descriptions, and with a file that is too short.
    for text in ("writable_schema = ON", "trusted_schema = OFF", "temp_store = MEMORY"):
        with contextlib.suppress(apsw.Error):
            connection.execute(f"PRAGMA {text}").fetchall()
    with contextlib.suppress(apsw.Error, UnicodeDecodeError):
        # The first statement fails if a description is damaged; the next ones work with the rest.
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
    return connection
