"""The tables: numbered migrations, applied once, in one transaction; foreign and newer files are refused in words."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw

from outlast.core.errors import Refused, StoreDamaged, StoreNewer
from outlast.storage.sqlite import failures

APPLICATION_ID = 0x6F75_746C
"""Stands in the header of our files, so that another program's SQLite file is never taken for a store."""

MIGRATIONS = (
    ("0001_jobs.sql", "b484a1ddc28ad686caa354e757e9c167e44e90dd12fa2aa4c42159401dd3e026"),
    ("0002_gauges.sql", "a8173a116d48e348e1b854190b27ef132e2d5eac4f5bc6758b3032fcf8bc5852"),
    ("0003_figures.sql", "98aa8138a6aa9f8c898378d2bdd6c00c8ece7ef96a9c4aa4bc6cabd8d8200d2b"),
    ("0004_schedules.sql", "d53c62a5fd3f40e7e2f2c73be2cbc5b5136e572570fad9d5865c329be31b204b"),
    ("0005_holds.sql", "3c10ac5de29ba00f4c1c06a323edaad39eb7315963bd1c15fc65adb50b0ebb84"),
    ("0006_history.sql", "95874b13fada25df37da2f17b1dba4c734a78b7ce8981fae1758289dc34e2e65"),
)
"""Every migration, in order, and the SHA-256 of its file: one that stores were made by never changes again."""

VERSION = len(MIGRATIONS)


def prepare(connection: apsw.Connection, path: Path, fill: Callable[[apsw.Connection], None]) -> None:
    """Make a fresh connection ready: a WAL store of this program's version.

    `fill` puts the first rows into a new store, in the transaction that makes its tables. Raise Refused for another
    program's file, StoreNewer for a newer store, StoreDamaged for tables that are not what their migration made.
    """
    version = check(connection, path)
    if version == 0 and not connection.readonly("main"):
        # Only possible before the first table. Later removals then give space back to the disk.
        _pragma(connection, "auto_vacuum = INCREMENTAL")
    mode = _pragma(connection, "journal_mode = WAL")
    if mode != "wal" and not connection.readonly("main"):
        raise failures.no_wal(path, mode)
    # The first reading makes the WAL: of a store that had none, a copy, it must be there before it is watched.
    _pragma(connection, "schema_version")
    _pragma(connection, "synchronous = FULL")
    _pragma(connection, "foreign_keys = OFF")
    # Nothing is written but the store itself.
    _pragma(connection, "temp_store = MEMORY")
    if version < VERSION:
        _migrate(connection, path, fill)


def check(connection: apsw.Connection, path: Path) -> int:
    """Return the version of a store, 0 if it has no tables yet; nothing is changed.

    Raise Refused for another program's file, StoreNewer for a newer store, StoreDamaged for tables that are not what
    their migrations made. The header alone is not believed: one flipped bit would make a store foreign or newer.
    """
    # One state of the file: between two statements another process may make it a store.
    begun = not connection.in_transaction
    if begun:
        connection.execute("BEGIN")
    application = _pragma(connection, "application_id")
    version = int(_pragma(connection, "user_version"))
    tables = [name for (name,) in _rows(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    applied = _rows(connection, "SELECT name, checksum FROM migrations ORDER BY number") if _is_ours(tables) else []
    if begun:
        connection.execute("COMMIT")
    if not applied and application != APPLICATION_ID and (application or version or tables):
        raise Refused(
            f"{path} is the SQLite file of another program.", "Set JOBS_DATA_DIR or OUTLAST_STORE to another place."
        )
    if version > VERSION and len(applied) > VERSION:
        raise StoreNewer(
            f"{path} was written by a newer outlast (schema {version}, this one knows {VERSION}).",
            "Upgrade: pip install -U outlast.",
        )
    is_named = application == APPLICATION_ID or not applied
    if not is_named or len(applied) != version or bool(tables) != bool(version):
        raise failures.damaged(path, "its header does not fit its tables")
    if tuple(applied) != MIGRATIONS[:version]:
        raise StoreDamaged(
            f"The tables of {path} were not made by this program's migrations.",
            "Use the version of outlast that made it, or run `outlast doctor --repair`.",
        )
    return version


def _is_ours(tables: Sequence[str]) -> bool:
    return {"jobs", "specs", "migrations"} <= set(tables)


def _migrate(connection: apsw.Connection, path: Path, fill: Callable[[apsw.Connection], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again: another process may have been first.
        version = check(connection, path)
        for number in range(version, VERSION):
            _apply(connection, number)
        if version == 0:
            fill(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(apsw.Error):
            connection.execute("ROLLBACK")
        raise


def _apply(connection: apsw.Connection, number: int) -> None:
    name, checksum = MIGRATIONS[number]
    for _ in connection.execute(sql_of(name)):
        pass
    connection.execute(
        "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
        (number + 1, name, checksum, int(time.time() * 1000)),
    )
    _pragma(connection, f"application_id = {APPLICATION_ID}")
    _pragma(connection, f"user_version = {number + 1}")


def make(connection: apsw.Connection) -> None:
    """Make the tables of a store in a new file that nobody else uses yet; it is no WAL store before it is opened."""
    for text in ("auto_vacuum = INCREMENTAL", "journal_mode = MEMORY", "synchronous = OFF"):
        _pragma(connection, text)
    connection.execute("BEGIN")
    for number in range(VERSION):
        _apply(connection, number)
    connection.execute("COMMIT")


def sql_of(name: str) -> str:
    """Return the text of a migration."""
    # Imported only when tables are made: every command opens a store, and this takes longer than that.
    from importlib import resources

    return (resources.files("outlast.storage.sqlite") / "migrations" / name).read_text(encoding="utf-8")


def _pragma(connection: apsw.Connection, text: str) -> Any:
    # Statements in one string would stop at the first that answers with a row, so each is run and read by itself.
    rows = _rows(connection, f"PRAGMA {text}")
    return rows[0][0] if rows else None


def _rows(connection: apsw.Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()
