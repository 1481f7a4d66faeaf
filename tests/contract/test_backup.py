"""The last good copy of a store: of one moment, whole or not there, and never replaced by something worse."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from outlast.app import chores_of
from outlast.core.errors import StoreDamaged, StoreFull, StoreGone
from outlast.core.places import Places
from outlast.core.query import Query
from outlast.engine.chores import Chore, Chores
from outlast.settings import load_settings
from outlast.storage.sqlite import SqliteStore, backup
from outlast.storage.sqlite.backup import Backup, copy_store
from tests.contract.making import new_job, spec, step, submitted
from tests.crash.work import number
from tests.waiting import eventually
from tests.workshop import Workshop

LONG = '{"args":["' + "x" * 3000 + '"],"kwargs":{}}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    store.submit([new_job(args=LONG) for _ in range(20)])
    yield store
    store.close()


@pytest.fixture
def copy(path: Path) -> Path:
    return path.parent / "backup" / "jobs.db"


def ids(path: Path) -> list[str]:
    """Return the jobs in a store or in a copy of one, which is not changed by it."""
    before = path.read_bytes()
    with closing(SqliteStore(Path(shutil.copy(path, path.with_name("looked-at.db"))))) as store:
        found = [job.id for job in store.page(Query(), before=None, limit=999).jobs]
        assert store.check() == []
    path.with_name("looked-at.db").unlink()
    assert path.read_bytes() == before
    return found


def back_up(store: SqliteStore) -> int:
    """Let a new keeper of the copy do all its work; return in how many steps."""
    keeper = Backup(store)
    steps = 1
    while keeper.work():
        steps += 1
    return steps


def test_a_copy_holds_every_job_and_is_one_file(store: SqliteStore, path: Path, copy: Path) -> None:
    back_up(store)

    assert os.listdir(copy.parent) == ["jobs.db"]
    assert copy.read_bytes()[18:20] == b"\1\1"  # not WAL: it can be read where nothing can be written
    assert len(ids(copy)) == 20


def test_a_copy_is_of_one_moment_whoever_writes_meanwhile(store: SqliteStore, path: Path, copy: Path) -> None:
    copy.parent.mkdir()
    with closing(SqliteStore(path)) as other:
        for _ in copy_store(path, copy, pages=1):
            submitted(store)
            submitted(other)

    assert len(ids(copy)) == 20
    assert len(store.page(Query(), before=None, limit=999).jobs) > 40


def test_a_copy_is_made_in_steps(store: SqliteStore, path: Path, copy: Path) -> None:
    copy.parent.mkdir()
    pages = store.database.size() // 4096

    assert len(list(copy_store(path, copy, pages=1))) >= pages
    assert back_up(store) < pages


def test_a_young_copy_is_enough_at_the_start_and_later_only_a_change_is_copied(store: SqliteStore, copy: Path) -> None:
    keeper = Backup(store)
    while keeper.work():
        pass
    first = copy.stat().st_ino

    assert not Backup(store).work()
    assert not keeper.work()
    assert copy.stat().st_ino == first
    submitted(store)
    while keeper.work():
        pass
    assert copy.stat().st_ino != first
    assert len(ids(copy)) == 21


def test_an_old_copy_or_one_of_the_future_is_replaced_at_the_start(store: SqliteStore, copy: Path) -> None:
    for moment in (1, 4_000_000_000):
        back_up(store)
        os.utime(copy, (moment, moment))

        assert Backup(store).work()
        back_up(store)

    assert [name for name in os.listdir(copy.parent) if not name.startswith(".")] == ["jobs.db"]


def damage(path: Path) -> None:
    """Overwrite a page in the middle of a file."""
    with open(path, "r+b") as file:
        file.seek(12 * 4096)
        file.write(b"damage" * 500)


def test_a_damaged_store_never_replaces_the_last_good_copy(store: SqliteStore, path: Path, copy: Path) -> None:
    back_up(store)
    good = copy.read_bytes()
    os.utime(copy, (1, 1))
    store.close()
    damage(path)

    with pytest.raises(StoreDamaged, match="outlast doctor --repair"):
        back_up(store)

    assert copy.read_bytes() == good
    assert os.listdir(copy.parent) == ["jobs.db"]


def test_the_copy_of_another_store_is_set_aside(
    store: SqliteStore, path: Path, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    back_up(store)
    good = copy.read_bytes()
    store.close()
    path.unlink()
    os.utime(copy, (1, 1))
    with closing(SqliteStore(path)) as new:
        submitted(new)
        back_up(new)

    [kept] = [place for place in copy.parent.iterdir() if place.name.startswith("jobs.db.of-another-store-")]
    assert kept.read_bytes() == good
    assert len(ids(copy)) == 1
    assert kept.name in caplog.text


@pytest.mark.parametrize(("content", "word"), [(b"x" * 5000, "damaged"), (b"", "replaced")])
def test_whatever_else_stands_in_its_place_is_set_aside(
    store: SqliteStore, copy: Path, content: bytes, word: str
) -> None:
    copy.parent.mkdir()
    copy.write_bytes(content)
    os.utime(copy, (1, 1))

    back_up(store)

    [kept] = copy.parent.glob(f"jobs.db.{word}-*")
    assert kept.read_bytes() == content
    assert len(ids(copy)) == 20


def test_a_store_that_is_too_large_is_not_copied_by_itself_which_is_said_once(
    store: SqliteStore, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Backup(store, most_bytes=10_000)

    for _ in range(2):
        submitted(store)
        assert not keeper.work()

    assert not copy.exists()
    assert caplog.text.count("outlast backup FILE") == 1


def backup_chores(store: SqliteStore, **settings: str) -> list[Chore]:
    """Return the chores of a supervisor that copy its store."""
    loaded = load_settings({"JOBS_DATA_DIR": str(store.path.parent), **settings})
    return [chore for chore in chores_of(loaded, store, Places(store.path.parent)) if chore.name == "back up the store"]


def test_a_disk_without_room_is_said_once_and_nothing_is_left_there(
    store: SqliteStore, copy: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "SPARE_BYTES", 2**60)
    chores = Chores(backup_chores(store))

    chores.work()

    assert "Could not back up the store: No space is left" in caplog.text
    assert os.listdir(copy.parent) == []


def test_a_copy_that_does_not_fit_leaves_nothing(store: SqliteStore, path: Path, copy: Path) -> None:
    with pytest.raises(StoreFull):
        list(copy_store(path, path.with_name("full"), spare_bytes=2**60))

    assert sorted(os.listdir(path.parent)) == ["jobs.db", "jobs.db-shm", "jobs.db-wal"]


def test_what_killed_copies_left_is_swept(store: SqliteStore, copy: Path) -> None:
    copy.parent.mkdir()
    for name in (".jobs.db.aa.tmp", ".jobs.db.aa.tmp-journal"):
        (copy.parent / name).touch()
        os.utime(copy.parent / name, (1, 1))

    back_up(store)

    assert os.listdir(copy.parent) == ["jobs.db"]


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_looking_at_a_store_that_is_not_there_makes_none(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StoreGone, match=r"jobs\.db"):
        list(copy_store(path, path.with_name("copy")))

    assert os.listdir(path.parent) == ([] if content is None else ["jobs.db"])


def test_a_copy_becomes_a_store_again(store: SqliteStore, path: Path, copy: Path) -> None:
    job = store.claim(submitted(store, spec=spec(keep=True)), "process-1")
    store.save_step(job.claim, step("one", '"done"'))
    back_up(store)
    expected = [job.id for job in store.page(Query(), before=None, limit=99).jobs]
    store.close()
    os.replace(copy, path)

    with closing(SqliteStore(path)) as again:
        assert [job.id for job in again.page(Query(), before=None, limit=99).jobs] == expected
        assert [each.name for each in again.steps(job.id, after=0, limit=9)] == ["one"]
        assert submitted(again).id
    assert apsw.Connection(str(path)).pragma("journal_mode") == "wal"


def test_a_supervisor_makes_a_copy_when_it_starts(workshop: Workshop) -> None:
    handle = workshop.submit(number, 7)
    assert handle.result(20) == 7

    copied = eventually(lambda: workshop.places.backup.exists(), what="a copy")

    assert copied
    assert handle.id in ids(workshop.places.backup)


def test_jobs_in_memory_are_not_copied(store: SqliteStore) -> None:
    assert backup_chores(store)
    assert not backup_chores(store, PERSIST_JOBS="false")


def test_a_copy_that_goes_well_says_nothing(store: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "outlast"):
        back_up(store)

    assert caplog.text == ""
