"""T17: progress without end, tiny jobs without number, a reader that stays: the store does not drown.

TORTURE_UPDATES and TORTURE_TINY make it longer.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from outlast.core.job import Checkpoint, Job
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore, connection
from outlast.storage.sqlite.room import CHECKPOINT_PAGES, PAGE_BYTES
from tests.contract.making import running
from tests.figures import Figures
from tests.torture.flood import counts, speaks_twice, tiny
from tests.waiting import eventually
from tests.workshop import Workshop

UPDATES = int(os.environ.get("TORTURE_UPDATES", "100000"))
TINY = int(os.environ.get("TORTURE_TINY", "500"))
MOST_WAL_BYTES = 2 * CHECKPOINT_PAGES * PAGE_BYTES
"""Twice the size at which the WAL is moved into the file."""
LARGE_CHARACTERS = 100_000
BATCH = 1_000


class Gauge(threading.Thread):
    """Looks how large a file becomes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._over = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._over.wait(0.005):
            self.look()

    def look(self) -> None:
        if self._path.exists():
            self.most = max(self.most, self._path.stat().st_size)

    def stop(self) -> None:
        self.look()
        self._over.set()
        self.join()


@contextmanager
def watched_wal(store: Path) -> Iterator[Gauge]:
    gauge = Gauge(Path(f"{store}-wal"))
    gauge.start()
    try:
        yield gauge
    finally:
        gauge.stop()


def pour(store: SqliteStore, job: Job, megabytes: int) -> None:
    """Save so much in checkpoints of 100 KB."""
    for number in range(megabytes * 10):
        # Every page of it differs from the last one: SQLite does not write what stays the same.
        store.save_checkpoint(job.claim, Checkpoint(partial=json.dumps("abc"[number % 3] * LARGE_CHARACTERS)))


@pytest.mark.timeout(120 + UPDATES // 5_000)
def test_progress_without_end_is_kept_in_little_room(workshop: Workshop, figures: Figures) -> None:
    with watched_wal(workshop.places.store) as wal:
        handle = workshop.submit(counts, UPDATES)
        assert handle.result(100 + UPDATES // 5_000) == UPDATES

    progress = workshop.job(handle).progress
    figures.reached("updates", UPDATES)
    assert progress is not None
    assert (progress.done, progress.total) == (UPDATES, UPDATES)
    assert wal.most <= MOST_WAL_BYTES


def test_progress_is_on_disk_at_the_first_call_a_second_after_the_last_save(workshop: Workshop, tmp_path: Path) -> None:
    spoken, again, end = (tmp_path / name for name in ("spoken", "again", "end"))
    handle = workshop.submit(speaks_twice, *map(str, (spoken, again, end)))

    def done() -> float | None:
        progress = workshop.job(handle).progress
        return None if progress is None else progress.done

    eventually(spoken.exists, what="the first report")
    spoken_at = workshop.service.store.now()
    eventually(lambda: workshop.service.store.now() > spoken_at + 1_100, what="a second to pass")
    before = done()
    again.touch()

    eventually(lambda: done() == 2, what="the second report on disk, without a third")
    assert before in (None, 1)
    end.touch()
    handle.result(20)


@pytest.mark.timeout(120 + TINY // 50)
def test_many_tiny_jobs_leave_a_small_wal(workshop: Workshop, figures: Figures) -> None:
    with watched_wal(workshop.places.store) as wal:
        for first in range(0, TINY, BATCH):
            workshop.outlast.submit_many(tiny, [(number,) for number in range(first, min(TINY, first + BATCH))])
        wanted = {Status.COMPLETED: TINY}
        eventually(
            lambda: {word: count for word, count in workshop.service.stats().by_status.items() if count} == wanted,
            timeout=60 + TINY / 50,
            what="the end of all jobs",
        )

    figures.reached("tiny jobs", TINY)
    assert wal.most <= MOST_WAL_BYTES


def test_the_wal_stays_bounded_whatever_is_written(memory_disk: Path) -> None:
    with closing(SqliteStore(memory_disk / "jobs.db")) as store, watched_wal(store.path) as wal:
        pour(store, running(store), megabytes=60)

        assert wal.most <= MOST_WAL_BYTES


def test_a_reader_that_stays_makes_the_wal_grow_only_as_long_as_it_stays(memory_disk: Path) -> None:
    path = memory_disk / "jobs.db"
    with closing(SqliteStore(path)) as store:
        job = running(store)
        with closing(apsw.Connection(str(path))) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM jobs").fetchall()
            pour(store, job, megabytes=40)
        grown = Path(f"{path}-wal").stat().st_size
        assert grown > MOST_WAL_BYTES

        pour(store, job, megabytes=2 * grown // 1024**2)

        assert Path(f"{path}-wal").stat().st_size <= grown + 1024**2
    assert not Path(f"{path}-wal").exists()


@pytest.mark.planted
def test_the_gauge_sees_a_wal_that_is_never_moved(memory_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "checkpoint_pages", lambda directory: 0)

    with closing(SqliteStore(memory_disk / "jobs.db")) as store, watched_wal(store.path) as wal:
        pour(store, running(store), megabytes=60)

    assert wal.most > MOST_WAL_BYTES
