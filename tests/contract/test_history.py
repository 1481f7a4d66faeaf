"""What stays of removed jobs: packed by some hundred, told and forgotten job by job."""

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from outlast.core.errors import KeyConflict, OutlastError, StoreDamaged
from outlast.core.figures import durations_of
from outlast.core.job import Job, NewJob
from outlast.core.status import Status
from outlast.storage.exchange.exporting import Export
from outlast.storage.exchange.importing import Wishes, import_file
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.examination import problems_of
from outlast.storage.sqlite.existing import open_existing
from outlast.storage.sqlite.history import BLOCK
from tests.contract.making import NOON, Clock, end, ended, new_job, running, stored
from tests.contract.test_plans import recorded

HOUR = 3600


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(path: Path, clock: Clock) -> Any:
    with closing(SqliteStore(path, clock=clock)) as store:
        yield store


def removed_jobs(store: SqliteStore, count: int, *, at_once: int = 100, **fields: Any) -> list[Job]:
    """End so many jobs and prune them, as a supervisor does; return them."""
    with store.batch():
        jobs = [ended(store, **fields) for _ in range(count)]
    while store.prune(older_than_seconds=0, limit=at_once):
        pass
    return jobs


def counts(store: SqliteStore) -> list[int]:
    return [count for (count,) in store.database.execute("SELECT count FROM history_blocks ORDER BY number")]


def problems(path: Path) -> list[str]:
    with closing(open_existing(path)) as database:
        return problems_of(database)


def test_a_block_is_filled_up_before_the_next_is_begun(store: SqliteStore, path: Path) -> None:
    jobs = removed_jobs(store, BLOCK * 2 + 30)
    store.remove(ended(store), "me")

    assert counts(store) == [BLOCK, BLOCK, 31]
    assert all(store.removed(job.id) is not None for job in jobs[::40])
    assert store.figures(hours=1, days=1, newest=1).days[0].completed == BLOCK * 2 + 31
    assert problems(path) == []


def test_two_at_once_fill_the_same_block(store: SqliteStore, path: Path, clock: Clock) -> None:
    with closing(SqliteStore(path, clock=clock)) as other:
        jobs = [ended(store) for _ in range(6)]
        for one, job in zip([store, other] * 3, jobs, strict=True):
            one.remove(job, "me")

        assert counts(other) == [6]
        assert all(store.removed(job.id) == other.removed(job.id) is not None for job in jobs)


def test_what_is_removed_in_a_change_that_fails_is_not_removed(store: SqliteStore) -> None:
    removed_jobs(store, 3)
    job = ended(store, key="k")

    with pytest.raises(RuntimeError):
        _fail_after(store, lambda: store.remove(job, "me"))

    assert counts(store) == [3]
    assert store.get(job.id) is not None
    assert store.database.execute("SELECT * FROM history_keys") == []


def _fail_after(store: SqliteStore, act: Callable[[], None]) -> None:
    with store.batch():
        act()
        raise RuntimeError


def test_long_keys_make_smaller_blocks(store: SqliteStore) -> None:
    dice = random.Random(1)
    for _ in range(4):
        removed_jobs(store, 100, key=None)
        for _ in range(100):
            store.remove(ended(store, key=dice.randbytes(500).hex()), "me")

    assert len(counts(store)) > 2
    assert max(counts(store)) < BLOCK


def test_of_two_removed_jobs_with_a_key_each_is_forgotten_by_itself(
    store: SqliteStore, path: Path, clock: Clock
) -> None:
    store.remove(ended(store, key="k"), "me")
    with closing(SqliteStore(path.with_name("other.db"), clock=clock)) as other:
        second = ended(other, key="k")
        take_over(other, store)
    clock.move(10)
    store.remove(stored(store, second.id), "me")

    clock.move(5)
    assert store.forget(older_than_seconds=10, limit=9) == 1
    found = store.removed("k")
    assert found is not None
    assert found.id == second.id
    assert not store.submit([new_job(key="k")])[0].created
    clock.move(5)
    assert store.forget(older_than_seconds=10, limit=9) == 1
    assert store.submit([new_job(key="k")])[0].created


def take_over(source: SqliteStore, target: SqliteStore) -> None:
    """Import all of a store into another one."""
    file = source.path.with_suffix(".jsonl")
    file.write_bytes(b"".join(Export(source.database, program="0.1.0").pieces(NOON)))
    with open(file, "rb") as raw:
        import_file(target.database, raw, "it", Wishes(), target.now())


def test_a_removed_job_that_comes_back_counts_once(store: SqliteStore, path: Path, clock: Clock) -> None:
    with closing(SqliteStore(path.with_name("other.db"), clock=clock)) as other:
        job = ended(other, Status.FAILED, key="k")
        take_over(other, store)
        store.remove(stored(store, job.id), "me")
        removed_jobs(store, 5)
        assert store.figures(hours=1, days=1, newest=1).days[0].ended == 6

        take_over(other, store)

    assert store.figures(hours=1, days=1, newest=1).days[0].ended == 6
    assert (store.removed(job.id), counts(store)) == (None, [5])
    assert store.failures(since_seconds=None, limit=9).groups[0].count == 1
    store.remove(stored(store, job.id), "me")
    assert store.failures(since_seconds=None, limit=9).groups[0].count == 1
    assert problems(path) == []


def test_history_lines_that_are_known_are_taken_once(store: SqliteStore, path: Path, clock: Clock) -> None:
    removed_jobs(store, BLOCK + 9)
    with closing(SqliteStore(path.with_name("other.db"), clock=clock)) as other:
        for _ in range(2):
            take_over(store, other)

        assert sum(counts(other)) == BLOCK + 9
        assert sorted(lines(other)) == sorted(lines(store))


def lines(store: SqliteStore) -> list[bytes]:
    raw = b"".join(Export(store.database, program="0.1.0").pieces(NOON))
    return [line for line in raw.splitlines() if b'"type":"history"' in line]


def test_figures_unpack_few_blocks(store: SqliteStore) -> None:
    for _ in range(8):
        removed_jobs(store, BLOCK)
    store.remove(ended(store, Status.FAILED), "me")
    looks: list[Callable[[], object]] = [
        lambda: store.figures(hours=24, days=14, newest=100),
        lambda: store.failures(since_seconds=None, limit=9),
        lambda: store.last_end(),
        lambda: store.submit([new_job(key="k")]),
        lambda: store.forget(older_than_seconds=HOUR, limit=9),
    ]
    for look in looks:
        with recorded(store) as statements:
            look()
        assert sum("SELECT packed" in sql for sql, _ in statements) <= 1


def change(path: Path, sql: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(sql)


DAMAGE = {
    "cut": "packed = substr(packed, 1, 50)",
    "zeros": "packed = zeroblob(900)",
    "no JSON": "packed = CAST('{' AS BLOB)",
    "one job less": "count = count - 1",
    "other times": "first_removed = 0",
    "a summary of nothing": "summary = x'00'",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_block_is_said_in_words(store: SqliteStore, path: Path, damage: str) -> None:
    job = removed_jobs(store, 20)[0]
    change(path, f"UPDATE history_blocks SET {DAMAGE[damage]}")

    assert problems(path) == ["1 blocks of history_blocks cannot be read"]
    asked: list[Callable[[], object]] = [
        lambda: store.removed(job.id),
        lambda: store.figures(hours=24, days=14, newest=100),
        lambda: store.failures(since_seconds=None, limit=9),
        lambda: store.forget(older_than_seconds=HOUR, limit=9),
        lambda: store.remove(ended(store), "me"),
        lambda: lines(store),
    ]
    said = [error for error in map(_error_of, asked) if error is not None]
    assert all(isinstance(error, StoreDamaged) and str(path) in error.message for error in said)
    assert said or damage == "one job less"


def _error_of(look: Callable[[], object]) -> OutlastError | None:
    try:
        look()
    except OutlastError as error:
        return error
    return None


def test_keys_that_do_not_fit_the_history_are_seen(store: SqliteStore, path: Path) -> None:
    removed_jobs(store, 1, key="k")
    change(path, "DELETE FROM history_keys")

    assert problems(path) == ["the rows of history_keys do not fit the history"]


class Model:
    """The removed jobs in a list, of which everything is told by going through it."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, int]] = []

    def forget(self, cutoff: int, limit: int) -> int:
        old = sorted((at, place) for place, (_, at) in enumerate(self.jobs) if at <= cutoff)[:limit]
        gone = {place for _, place in old}
        self.jobs = [pair for place, pair in enumerate(self.jobs) if place not in gone]
        return len(gone)

    def told(self, now: int) -> object:
        """Return what a store without other jobs tells."""
        jobs = [job for job, _ in self.jobs]
        hours = [
            sum(1 for job in jobs if job.status is status and ended_at(job) // 3_600_000 == hour)
            for hour in range(now // 3_600_000 - 4, now // 3_600_000 + 1)
            for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
        ]
        kinds = sorted({job.kind for job in jobs if job.status is Status.COMPLETED})
        failed = [job for job in jobs if job.status is Status.FAILED and ended_at(job) >= now - 2 * 3_600_000]
        groups = {name: [job for job in failed if (job.error or "")[:6] == name] for name in ("case A", "case B")}
        return (
            hours,
            [durations_of(kind, self._newest(kind, 7)) for kind in kinds],
            {name: (len(some), max(map(ended_at, some))) for name, some in groups.items() if some},
        )

    def _newest(self, kind: str, count: int) -> list[int]:
        done = [job for job, _ in self.jobs if job.kind == kind and job.status is Status.COMPLETED]
        done.sort(key=ended_at)
        return [ended_at(job) - (job.started_at or 0) for job in done[-count:]]


def ended_at(job: Job) -> int:
    assert job.completed_at is not None
    return job.completed_at


def told(store: SqliteStore) -> object:
    figures = store.figures(hours=5, days=1, newest=7)
    return (
        [count for span in figures.hours for count in (span.completed, span.failed, span.cancelled)],
        figures.durations,
        {
            group.group: (group.count, group.newest_at)
            for group in store.failures(since_seconds=2 * HOUR, limit=9).groups
        },
    )


@pytest.mark.parametrize("seed", range(3))
def test_all_is_told_as_by_a_list_of_jobs(store: SqliteStore, path: Path, clock: Clock, seed: int) -> None:
    dice, model = random.Random(seed), Model()
    for _ in range(25):
        jobs = [_any_job(store, clock, dice) for _ in range(dice.randint(0, 90))]
        dice.shuffle(jobs)
        for job in jobs[: len(jobs) // 8]:
            store.remove(job, "me")
            model.jobs.append((job, clock()))
        store.prune(older_than_seconds=0, limit=999)
        model.jobs += [(job, clock()) for job in sorted(jobs[len(jobs) // 8 :], key=ended_at)]
        age, limit = dice.randint(1, 4) * HOUR, dice.randint(1, 200)
        clock.move(dice.randint(1, 1800))
        forgotten = store.forget(older_than_seconds=age, limit=limit)
        assert forgotten == model.forget(clock() - age * 1000, limit)
        assert told(store) == model.told(clock())
        _check_keys(store, model)

    assert sum(counts(store)) == len(model.jobs) == len(lines(store))
    assert problems(path) == []


def _any_job(store: SqliteStore, clock: Clock, dice: random.Random) -> Job:
    kind, key = dice.choice(["a", "b", "c"]), f"k{dice.random()}" if dice.random() < 0.3 else None
    job = running(store, kind=kind, key=key)
    # Each end at a moment of its own: of two at once either may be called the newer.
    clock.move(dice.randint(1, 30))
    status = dice.choice([Status.COMPLETED] * 8 + [Status.FAILED, Status.CANCELLED])
    end(store, job, status, error=dice.choice(["case A", "case B"]))
    return stored(store, job.id)


def _check_keys(store: SqliteStore, model: Model) -> None:
    keyed = [job for job, _ in model.jobs if job.key is not None]
    for job in keyed[::9]:
        assert store.submit([_again(job)])[0].job_id == job.id
        with pytest.raises(KeyConflict):
            store.submit([_again(job, args='{"args":[1],"kwargs":{}}')])
        found = store.removed(job.key or "")
        assert found is not None
        assert (found.id, found.completed_at, found.status) == (job.id, job.completed_at, job.status)
    assert store.database.execute("SELECT count(*) FROM history_keys") == [(len(keyed),)]


def _again(job: Job, **fields: Any) -> NewJob:
    return new_job(job.kind, key=job.key, **fields)
