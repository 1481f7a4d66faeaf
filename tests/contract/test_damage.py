"""Files that are not what they should be: one error that names the file and the mend, and nothing is overwritten."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from outlast.core.errors import OutlastError, Refused, StoreBroken, StoreDamaged, StoreGone, StoreNewer
from outlast.core.query import Query
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import end, new_job, running, step, submitted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


def furnished(path: Path) -> bytes:
    """Make a store with jobs of all kinds, let go of it, and return its bytes."""
    store = SqliteStore(path)
    for number in range(30):
        job = running(store, key=f"k{number}", args='{"args":["' + "x" * 900 + '"],"kwargs":{}}')
        store.save_step(job.claim, step("one", '"' + "y" * 3000 + '"'))
        end(store, job)
    submitted(store)
    store.close()
    return path.read_bytes()


def read_all(path: Path) -> None:
    """Read everything there is. Raise what the store raises."""
    store = SqliteStore(path)
    try:
        for job in store.page(Query(), before=None, limit=100).jobs:
            store.details(job)
        store.stats()
        if problems := store.check():
            raise StoreDamaged(f"{path}: {problems[0]}", "outlast doctor --repair")
    finally:
        store.close()


@pytest.mark.parametrize("size", [2, 99, 100, 512, 1024, 4095, 4096, 4097, 8192, 20_000, -4096])
def test_a_truncated_store_is_called_damaged(path: Path, size: int) -> None:
    whole = furnished(path)
    path.write_bytes(whole[:size])

    with pytest.raises(StoreDamaged, match="outlast doctor --repair") as caught:
        read_all(path)

    assert str(path) in str(caught.value)
    assert path.read_bytes() == whole[:size]


@pytest.mark.parametrize("content", [bytes(50_000), b"garbage " * 1000, b"no", "{}".encode("utf-16")])
def test_a_file_that_is_no_database_is_called_damaged_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(StoreDamaged, match="outlast doctor --repair"):
        SqliteStore(path).submit([new_job()])

    assert path.read_bytes() == content


def test_flipped_bits_do_no_harm_or_are_called_damage(path: Path, tmp_path: Path) -> None:
    whole = furnished(path)
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    damaged = 0
    for turn in range(150):
        copy = bytearray(whole)
        # Every other flip hits the header and the tables' descriptions, where most can go wrong.
        copy[dice.randrange(len(copy) if turn % 2 else 9000)] ^= 1 << dice.randrange(8)
        path.write_bytes(copy)
        try:
            read_all(path)
        except (StoreDamaged, Refused, StoreNewer, StoreBroken):
            damaged += 1
        except OutlastError as error:
            pytest.fail(f"seed {seed}: {error!r}")

    assert damaged, f"seed {seed}: the store does not seem to be looked at"


def test_a_row_that_cannot_be_understood_is_damage(path: Path) -> None:
    furnished(path)
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE jobs SET status = 'sleeping' WHERE key = 'k3'")
    connection.close()

    with pytest.raises(StoreDamaged, match="a row cannot be read"):
        read_all(path)


def test_the_file_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(Refused, match="another program"):
        SqliteStore(path).submit([new_job()])

    assert path.read_bytes() == before


def test_a_newer_store_is_refused_and_left_as_it_is(path: Path) -> None:
    furnished(path)
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO migrations VALUES (99, '0099_later.sql', 'x', 1)")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(StoreNewer, match="pip install -U outlast"):
        SqliteStore(path).submit([new_job()])

    assert path.read_bytes() == before


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 99", "user_version = 0", "user_version = 1"])
def test_a_header_that_does_not_fit_its_tables_is_damage(path: Path, pragma: str) -> None:
    furnished(path)
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA {pragma}")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(StoreDamaged, match="outlast doctor --repair"):
        SqliteStore(path).submit([new_job()])

    assert path.read_bytes() == before


def test_a_store_that_is_suddenly_empty_is_damage(path: Path) -> None:
    furnished(path)
    (path.parent / "backup").mkdir()
    path.rename(path.parent / "backup" / path.name)
    path.touch()

    with pytest.raises(StoreDamaged, match="it is empty"):
        SqliteStore(path).stats()

    assert path.read_bytes() == b""


def test_tables_that_other_sql_has_made_are_refused(path: Path) -> None:
    furnished(path)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE migrations SET checksum = 'x'")
    connection.close()

    with pytest.raises(StoreDamaged, match="migrations"):
        SqliteStore(path).stats()


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.write_bytes(b"")

    assert submitted(SqliteStore(path)).id


def _directory(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [_directory, os.mkfifo, _loop], ids=["directory", "pipe", "loop"])
def test_what_is_no_file_is_refused_at_once(path: Path, make: Callable[[Path], None]) -> None:
    make(path)

    with pytest.raises(StoreBroken, match=r"jobs\.db"):
        SqliteStore(path).stats()


def test_a_link_to_a_store_is_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    job = submitted(SqliteStore(tmp_path / "elsewhere" / "jobs.db"))
    path.symlink_to(tmp_path / "elsewhere" / "jobs.db")

    store = SqliteStore(path)

    assert store.get(job.id) == job
    assert submitted(store).id


def test_a_removed_store_is_told_once_and_then_a_new_one_begins(path: Path) -> None:
    store = SqliteStore(path)
    job = submitted(store)
    path.unlink()

    with pytest.raises(StoreGone, match="removed or replaced"):
        submitted(store)

    assert store.get(job.id) is None
    assert submitted(store).id


def test_a_change_that_went_to_a_replaced_store_is_not_acknowledged(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path)
    submitted(store)
    submitted(SqliteStore(tmp_path / "other.db"))

    def replace_inside() -> None:
        with store.batch():
            store.submit([new_job()])
            shutil.move(path, tmp_path / "old.db")
            shutil.copy(tmp_path / "other.db", path)

    with pytest.raises(StoreGone, match="removed or replaced"):
        replace_inside()


def test_a_deleted_wal_loses_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteStore(path)
    first = submitted(store)
    Path(f"{path}-wal").unlink()

    second = submitted(store)

    assert "was deleted" in caplog.text
    store.close()
    again = SqliteStore(path)
    assert (again.get(first.id), again.get(second.id)) == (first, second)
    assert again.check() == []


def test_a_deleted_wal_is_noticed_by_whoever_only_reads(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteStore(path)
    job = submitted(store)
    Path(f"{path}-wal").unlink()

    jobs = store.page(Query(), before=None, limit=9).jobs

    assert jobs == [job]
    assert "was deleted" in caplog.text


def test_nothing_is_written_to_the_terminal_or_a_log_of_sqlite(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    furnished(path)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StoreDamaged):
        read_all(path)

    assert capfd.readouterr() == ("", "")
