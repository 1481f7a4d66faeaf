"""A store that is looked at as it is: nothing is made, migrated or changed by it."""

from pathlib import Path
from typing import Any

import apsw

from outlast.core.errors import StoreGone
from outlast.storage.sqlite import schema
from outlast.storage.sqlite.connection import Database

_STEPS_BETWEEN_LOOKS = 100_000


def open_existing(path: Path) -> Database:
    """Return the database of a store, which is opened when first used and cannot be written through it.

    That use raises StoreGone if there is none, and as `schema.check` does. Its SQL knows `is_text(blob)`.
    """
    return Database(path, lambda connection: _prepare(connection, path), must_exist=True)


def birth_of(database: Database) -> object:
    """Return what tells a store from every other one, also from a later one in its place: when it was made."""
    found = database.execute("SELECT applied_at FROM migrations WHERE number = 1")
    return found[0][0] if found else None


def _prepare(connection: apsw.Connection, path: Path) -> None:
    if schema.check(connection, path) == 0:
        raise StoreGone(f"{path} is no store yet: it is empty.", "outlast submit makes one of it.")
    for text in ("temp_store = MEMORY", "query_only = ON"):
        connection.execute(f"PRAGMA {text}").fetchall()
    # An examination may take minutes; Ctrl-C is heard between two steps of Python.
    connection.set_progress_handler(lambda: False, _STEPS_BETWEEN_LOOKS)
    connection.create_scalar_function("is_text", _is_text, 1, deterministic=True)


def _is_text(*values: Any) -> int:
    try:
        values[0].decode()
    except UnicodeDecodeError:
        return 0
    return 1
