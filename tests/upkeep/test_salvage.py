"""What comes back of a damaged store: from itself, from its backup, from jobs.json, each job from the best of them."""

import json
import os
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from outlast.app import open_service
from outlast.core.job import Event
from outlast.core.policies import INTERRUPTED_WORDS
from outlast.core.query import Query
from outlast.core.status import Reason, Status
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.view_file import ViewFile
from tests.contract.making import end, running, step, stored, submitted
from tests.formats.furnish import furnish
from tests.upkeep.places import (
    furnished,
    jobs_of,
    kept,
    mend,
    overwrite,
    replace_setting,
    settings_of,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a data directory that is well."""
    furnished(tmp_path / "jobs")
    return tmp_path / "jobs"


@pytest.mark.parametrize("seed", range(12))
def test_damaged_pages_lose_nothing_that_the_backup_or_the_view_had(place: Path, seed: int) -> None:
    dice = random.Random(seed)
    pages = (place / "jobs.db").stat().st_size // 4096
    raw = bytearray((place / "jobs.db").read_bytes())
    for page in dice.sample(range(pages), dice.randint(1, pages)):
        raw[page * 4096 : (page + 1) * 4096] = dice.randbytes(4096)
    (place / "jobs.db").write_bytes(raw)
    if seed % 3 == 0:
        (place / "jobs.json").unlink()
    elif seed % 3 == 1:
        (place / "backup" / "jobs.db").unlink()

    repaired = mend(place)

    jobs = jobs_of(place)
    assert set(jobs) == {f"job{number}" for number in range(10)}
    assert {job.result for job in jobs.values()} == {'{"ok":true}'}
    assert kept(place)[0].read_bytes() == raw
    if seed % 3 != 1:
        with closing(SqliteStore(place / "jobs.db")) as store:
            assert {len(store.steps(job_id, after=0, limit=9)) for job_id in jobs} == {1}
    assert repaired.recovered is not None
    assert sum(repaired.recovered.jobs.values()) == 10


def test_rows_that_can_be_read_are_taken_from_the_damaged_store_itself(place: Path) -> None:
    shutil.rmtree(place / "backup")
    (place / "jobs.json").unlink()
    with closing(SqliteStore(place / "jobs.db")) as store:
        for number in range(200):
            job = running(store, id=f"more{number}", args=f'{{"args":["{"x" * 900}"],"kwargs":{{}}}}')
            end(store, job)
    expected = set(jobs_of(place))
    overwrite(place / "jobs.db", 50, 60)

    repaired = mend(place)

    assert len(jobs_of(place)) > 200
    assert repaired.recovered is not None
    assert set(repaired.recovered.lost) == expected - set(jobs_of(place)) != set()
    assert not repaired.is_whole


@pytest.mark.parametrize("backup", [True, False])
def test_a_store_whose_first_page_is_gone_is_read_by_what_other_stores_begin_with(place: Path, *, backup: bool) -> None:
    (place / "jobs.json").unlink()
    if not backup:
        shutil.rmtree(place / "backup")
    with closing(SqliteStore(place / "jobs.db")) as store:
        submitted(store, id="since the backup")
    with open(place / "jobs.db", "r+b") as file:
        file.write(bytes(4096))

    repaired = mend(place)

    assert len(jobs_of(place)) == 11
    assert repaired.recovered is not None
    assert repaired.recovered.jobs == {"store": 11}


def test_a_job_whose_spec_is_gone_gets_that_of_the_backup(place: Path) -> None:
    with open(place / "jobs.db", "r+b") as file:
        file.write(bytes(4 * 4096))

    mend(place)

    assert {job.spec.target for job in jobs_of(place).values()} == {"module:function"}


def test_unfinished_jobs_have_failed_and_can_be_retried_from_their_steps(tmp_path: Path) -> None:
    place = tmp_path / "jobs"
    furnish(place / "jobs.db")
    with closing(SqliteStore(place / "jobs.db")) as store:
        unfinished = [job for job in store.page(Query(), before=None, limit=99).jobs if not job.status.is_end]
    overwrite(place / "jobs.db", (place / "jobs.db").stat().st_size // 4096 - 1, 30)

    repaired = mend(place)

    jobs = jobs_of(place)
    assert repaired.recovered is not None
    assert repaired.recovered.interrupted == len(unfinished)
    for was in unfinished:
        job = jobs[was.id]
        assert (job.status, job.reason, job.error) == (Status.FAILED, Reason.INTERRUPTED, INTERRUPTED_WORDS)
    service = open_service(replace_setting(settings_of(place), OUTLAST_AUTOSTART=False), client="test")
    with closing(service):
        assert service.retry(jobs[unfinished[0].id]).status is Status.QUEUED
        assert service.details(jobs[unfinished[0].id]).events[-1].event == "retried"


def test_the_view_knows_of_later_ends_and_jobs_than_the_backup(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        job = running(store, id="late")
        store.save_step(job.claim, step("one"))
        for _ in copy_store(place / "jobs.db", place / "backup" / "jobs.db"):
            pass
        end(store, job, Status.FAILED, error="ValueError: late")
        end(store, running(store, id="later"))
        ViewFile(store, place / "jobs.json").write()
    (place / "jobs.db").write_bytes(b"x" * 10_000)

    repaired = mend(place)

    jobs = jobs_of(place)
    assert (jobs["late"].error, jobs["late"].reason) == ("ValueError: late", Reason.ERROR)
    assert jobs["late"].spec.target  # it can be retried
    assert jobs["later"].status is Status.COMPLETED
    assert repaired.recovered is not None
    assert (repaired.recovered.ended, repaired.recovered.jobs) == (1, {"backup": 11, "jobs_json": 1})


def test_a_large_result_that_only_the_view_had_is_told_as_lost(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        job = running(store, id="large")
        for _ in copy_store(place / "jobs.db", place / "backup" / "jobs.db"):
            pass
        store.swap(
            job, job._replace(status=Status.COMPLETED), Event(event="completed"), result=json.dumps("x" * 70_000)
        )
        ViewFile(store, place / "jobs.json").write()
    (place / "jobs.db").write_bytes(b"x" * 10_000)

    repaired = mend(place)

    assert json.loads(jobs_of(place)["large"].result or "")["bytes"] == 70_002
    assert not repaired.is_whole
    assert any("1 large result is lost" in line for line in repaired.done)


def test_a_job_that_was_removed_does_not_come_back(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        store.remove(stored(store, "job3"), "me")
        size = (place / "jobs.db").stat().st_size // 4096
    overwrite(place / "jobs.db", *range(size - 6, size))

    mend(place)

    assert "job3" not in jobs_of(place)


def test_what_the_wal_alone_had_comes_back(place: Path) -> None:
    if os.fork() == 0:
        store = SqliteStore(place / "jobs.db")
        end(store, running(store, id="later"))
        os._exit(0)
    os.wait()
    assert (place / "jobs.db-wal").stat().st_size > 0
    overwrite(place / "jobs.db", 14)

    mend(place)

    assert "later" in jobs_of(place)
    assert Path(f"{kept(place)[0]}-wal").exists()


def test_of_a_damaged_view_the_jobs_that_stand_whole_come_back(place: Path) -> None:
    raw = (place / "jobs.json").read_bytes()
    (place / "jobs.json").write_bytes(raw[: len(raw) * 2 // 3])
    (place / "jobs.db").write_bytes(b"x" * 10_000)
    shutil.rmtree(place / "backup")

    repaired = mend(place)

    assert 4 < len(jobs_of(place)) < 10
    assert repaired.recovered is not None
    assert set(repaired.recovered.jobs) == {"jobs_json"}
    assert len(list(place.glob("jobs.json.damaged-*"))) == 1
