"""The store of one machine: one SQLite file in WAL mode, through apsw only."""

from outlast.storage.sqlite.supervision import SqliteStore

__all__ = ["SqliteStore"]
