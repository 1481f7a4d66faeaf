"""The tables of the SQLite store, and the files that make them."""

import hashlib
from pathlib import Path

import apsw
import pytest

from outlast.storage.sqlite import SqliteStore, schema
from tests.contract.making import end, running, step, submitted


def test_a_released_migration_is_never_changed() -> None:
    for name, checksum in schema.MIGRATIONS:
        assert hashlib.sha256(schema.sql_of(name).encode()).hexdigest() == checksum, (
            f"{name} has changed. Stores were made by it: write the next migration instead (before the first release, "
            "change its checksum in schema.py)."
        )


def test_every_file_of_sql_is_a_migration() -> None:
    folder = Path(schema.__file__).parent / "migrations"

    assert sorted(path.name for path in folder.iterdir()) == [name for name, _ in schema.MIGRATIONS]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("auto_vacuum", 2),
        ("user_version", schema.VERSION),
        ("application_id", schema.APPLICATION_ID),
    ],
)
def test_a_new_store_is_made_as_it_must_be(tmp_path: Path, pragma: str, value: object) -> None:
    submitted(SqliteStore(tmp_path / "jobs.db"))

    connection = apsw.Connection(str(tmp_path / "jobs.db"))
    assert connection.pragma(pragma) == value
    connection.close()


def test_an_open_store_syncs_every_commit(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    submitted(store)

    assert store._database.execute("PRAGMA synchronous") == [(2,)]
    assert store._database.execute("PRAGMA wal_autocheckpoint") == [(4000,)]


def test_a_store_gives_the_space_of_removed_jobs_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    for _ in range(20):
        job = running(store)
        store.save_step(job.claim, step("large", '"' + "x" * 100_000 + '"'))
        end(store, job)
    store.close()
    full = (tmp_path / "jobs.db").stat().st_size

    assert len(store.prune(older_than_seconds=-1, read_only=False, limit=100)) == 20
    store.close()

    assert (tmp_path / "jobs.db").stat().st_size < full / 5
