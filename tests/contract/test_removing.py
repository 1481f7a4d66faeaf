"""Reading an end, and what is removed when: by hand, by age, by having been read."""

import pytest

from outlast.core.errors import Conflict
from outlast.core.job import Event, Job
from outlast.core.ports import Supervision
from outlast.core.status import Status
from tests.contract.making import NOON, Clock, end, ended, new_job, requeued, running, step, stored, submitted


def left(store: Supervision, jobs: list[Job]) -> list[bool]:
    return [store.get(job.id) is not None for job in jobs]


def test_reading_an_end_is_noted_once(store: Supervision, clock: Clock) -> None:
    job = ended(store)
    now = clock.move(5)
    store.mark_read([job.id])
    clock.move(5)
    store.mark_read([job.id, job.id])

    assert stored(store, job.id).read_at == now
    assert stored(store, job.id).updated_at == NOON


def test_what_is_not_finished_or_not_there_is_left_alone(store: Supervision) -> None:
    jobs = [submitted(store), running(store), submitted(store, delay_seconds=5.0)]

    store.mark_read([*(job.id for job in jobs), "unknown", "\ud800"])
    store.mark_read([])

    assert [stored(store, job.id).read_at for job in jobs] == [None, None, None]


def test_a_finished_job_is_removed_with_all_it_had(store: Supervision) -> None:
    job = running(store, args='{"args":["' + "x" * 5000 + '"],"kwargs":{}}')
    store.save_step(job.claim, step("one"))
    end(store, job)

    store.remove(job, "me")

    assert store.get(job.id) is None
    assert store.steps(job.id, after=0, limit=9) == []
    assert (store.details(job).args, store.details(job).cursor) == ("", None)
    assert sum(store.stats().by_status.values()) == 0


def test_something_is_known_of_a_removed_job(store: Supervision, clock: Clock) -> None:
    job = ended(store, key="nightly")
    completed = clock()
    clock.move(60)
    store.remove(job, "me")

    found = store.removed(job.id)

    assert found is not None
    assert found == store.removed("nightly")
    assert (found.id, found.status) == (job.id, Status.COMPLETED)
    assert (found.completed_at, found.removed_at) == (completed, completed + 60_000)
    assert [store.removed(text) for text in ("unknown", "", "\ud800")] == [None, None, None]


def test_removing_twice_is_no_error(store: Supervision) -> None:
    job = ended(store)
    store.remove(job, "me")
    store.remove(job, "me")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.WAITING, Status.RUNNING])
def test_an_unfinished_job_is_not_removed(store: Supervision, status: Status) -> None:
    job = (
        running(store)
        if status is Status.RUNNING
        else submitted(store, delay_seconds=5.0 if status is Status.WAITING else None)
    )
    assert job.status is status

    with pytest.raises(Conflict, match="not finished"):
        store.remove(job, "me")

    assert store.get(job.id) is not None


def test_jobs_that_ended_longer_ago_are_pruned_the_oldest_end_first(store: Supervision, clock: Clock) -> None:
    slow = running(store)
    quick = ended(store)
    clock.move(10)
    end(store, slow)
    clock.move(10)
    new = ended(store, Status.FAILED)
    unfinished = submitted(store)
    clock.move(5)

    assert store.prune(older_than_seconds=15, limit=1) == [quick.id]
    assert store.prune(older_than_seconds=15, limit=9) == [slow.id]
    assert store.prune(older_than_seconds=15, limit=9) == []
    assert left(store, [slow, quick, new, unfinished]) == [False, False, True, True]


def test_ends_that_were_read_and_ends_that_were_not_can_be_pruned_apart(store: Supervision, clock: Clock) -> None:
    read, unread, other = ended(store), ended(store), ended(store)
    store.mark_read([read.id])
    clock.move(10)

    assert store.prune(older_than_seconds=11, read=False, limit=9) == []
    assert store.prune(older_than_seconds=5, read=False, limit=1) == [unread.id]
    assert store.prune(older_than_seconds=5, read=True, limit=9) == [read.id]
    assert left(store, [other]) == [True]
    assert store.prune(older_than_seconds=5, read=False, limit=9) == [other.id]


@pytest.mark.parametrize("read", [True, False])
def test_what_an_unfinished_job_has_submitted_stays_for_it(store: Supervision, clock: Clock, read: bool) -> None:
    parent = running(store)
    child = ended(store, actor=f"job:{parent.id}")
    orphan = ended(store, actor="job:gone_1_0123456789abcdef")
    store.mark_read([child.id, orphan.id] if read else [])
    clock.move(10)

    assert store.prune(older_than_seconds=5, read=read, limit=9) == [orphan.id]
    assert store.prune(older_than_seconds=5, read=read, limit=9) == []
    end(store, parent)

    assert store.prune(older_than_seconds=5, read=read, limit=9) == [child.id]


def test_after_a_clock_that_went_back_unread_ends_are_found_all_the_same(store: Supervision, clock: Clock) -> None:
    clock.move(1000)
    assert store.prune(older_than_seconds=0, read=False, limit=9) == []

    clock.move(-900)
    job = ended(store)
    clock.move(10)

    assert store.prune(older_than_seconds=5, read=False, limit=9) == [job.id]


def test_the_last_end_is_known_also_when_its_job_is_gone(store: Supervision, clock: Clock) -> None:
    assert store.last_end() is None
    running(store)
    assert store.last_end() is None

    clock.move(5)
    job = ended(store)
    clock.move(5)
    assert store.last_end() == job.completed_at
    store.remove(job, "me")

    assert store.last_end() == clock()


def test_space_is_given_back_until_none_is_left_to_give(store: Supervision) -> None:
    assert not store.give_back(10)
    for _ in range(5):
        job = running(store)
        store.save_step(job.claim, step("large", '"' + "x" * 500_000 + '"'))
        end(store, job)
    store.prune(older_than_seconds=-1, limit=9)

    rounds = 0
    while store.give_back(100):
        rounds += 1

    assert rounds < 100
    assert not store.give_back(100)


def test_the_time_of_a_read_end_counts_from_the_reading(store: Supervision, clock: Clock) -> None:
    job = ended(store)
    clock.move(3600)
    store.mark_read([job.id])
    clock.move(10)

    assert store.prune(older_than_seconds=60, read=True, limit=9) == []
    clock.move(60)
    assert store.prune(older_than_seconds=60, read=True, limit=9) == [job.id]


def test_a_job_to_keep_is_not_pruned_but_can_be_removed(store: Supervision, clock: Clock) -> None:
    kept = ended(store, keep=True)
    store.mark_read([kept.id])
    clock.move(10)

    assert store.prune(older_than_seconds=5, limit=9) == []
    assert store.prune(older_than_seconds=5, read=True, limit=9) == []
    store.remove(kept, "me")
    assert store.get(kept.id) is None


def test_a_retried_job_is_not_pruned(store: Supervision, clock: Clock) -> None:
    job = ended(store, Status.FAILED)
    store.mark_read([job.id])
    job = stored(store, job.id)
    store.swap(job, requeued(job), Event(event="retried"))
    clock.move(100)

    assert store.prune(older_than_seconds=5, limit=9) == []
    assert store.prune(older_than_seconds=5, read=True, limit=9) == []


def test_a_pruned_job_is_out_of_all_lists(store: Supervision, clock: Clock) -> None:
    jobs = [ended(store, key=f"k{number}") for number in range(3)]
    clock.move(10)
    store.prune(older_than_seconds=5, limit=9)

    assert sum(store.stats().by_status.values()) == 0
    assert [store.find(f"k{number}", 5) for number in range(3)] == [[], [], []]
    assert left(store, jobs) == [False, False, False]


def test_the_key_of_a_removed_job_is_free_once_it_is_forgotten(store: Supervision, clock: Clock) -> None:
    first = ended(store, key="k")
    store.remove(first, "me")
    clock.move(100)
    assert store.forget(older_than_seconds=101, limit=9) == 0
    assert not store.submit([new_job(key="k")])[0].created

    assert store.forget(older_than_seconds=100, limit=9) == 1

    assert store.submit([new_job(key="k")])[0].created


def test_at_most_so_many_are_forgotten(store: Supervision) -> None:
    for _ in range(3):
        store.remove(ended(store), "me")

    assert store.forget(older_than_seconds=0, limit=2) == 2
    assert store.forget(older_than_seconds=0, limit=2) == 1


def test_stats_count_by_status_and_kind(store: Supervision, clock: Clock) -> None:
    ended(store)
    ended(store, Status.FAILED)
    clock.move(1)
    submitted(store, kind="other")
    clock.move(1)
    submitted(store)
    running(store)
    submitted(store, delay_seconds=5.0)

    stats = store.stats()

    assert stats.by_status == {
        Status.QUEUED: 2,
        Status.RUNNING: 1,
        Status.WAITING: 1,
        Status.COMPLETED: 1,
        Status.FAILED: 1,
        Status.CANCELLED: 0,
    }
    assert stats.by_kind["other"] == {Status.QUEUED: 1}
    assert stats.by_kind["demo"][Status.COMPLETED] == 1
    assert stats.oldest_queued_at == NOON + 1000


def test_stats_of_an_empty_store(store: Supervision) -> None:
    stats = store.stats()

    assert set(stats.by_status.values()) == {0}
    assert (stats.by_kind, stats.oldest_queued_at) == ({}, None)
