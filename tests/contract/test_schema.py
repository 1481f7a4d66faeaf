"""The tables of the SQLite store, and the files that make them."""

import hashlib
import os
import signal
from pathlib import Path

import apsw
import pytest

from outlast.storage.sqlite import SqliteStore, schema
from tests.contract.making import end, process, running, step, submitted


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
    with store.batch(flush=False):
        pass
    assert store._database.execute("PRAGMA synchronous") == [(1,)]
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

    assert len(store.prune(older_than_seconds=-1, limit=100)) == 20
    assert store.give_back(100)
    while store.give_back(100):
        pass
    store.close()

    assert (tmp_path / "jobs.db").stat().st_size < full / 5


def test_the_wal_of_a_supervisor_has_its_full_size_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        store = SqliteStore(path)
        ids = [submitted(store).id]
        store.take_office(process("supervisor"))
        ids += [submitted(store).id for _ in range(3)]
        os.write(writer, " ".join([*ids, str(Path(f"{path}-wal").stat().st_size)]).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as pipe:
        *ids, size = pipe.read().split()

    store = SqliteStore(path)
    assert int(size) > 16_000_000
    assert [job_id for job_id in ids if store.get(job_id) is None] == []
    assert store.supervisor() == process("supervisor")
    assert store.check() == []
    store.close()
    assert os.listdir(tmp_path) == ["jobs.db"]


def test_tidying_moves_the_wal_into_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    submitted(store, args='{"args":["' + "x" * 100_000 + '"],"kwargs":{}}')
    before = (tmp_path / "jobs.db").stat().st_size

    store.tidy()

    assert (tmp_path / "jobs.db").stat().st_size > before + 100_000
