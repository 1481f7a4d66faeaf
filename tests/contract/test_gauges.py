"""Gauges: many jobs wait for one number outside; one of them reads it for all."""

from outlast.core.job import FOLLOWS, Event, Job
from outlast.core.ports import Supervision
from outlast.core.status import Reason, Status
from tests.contract.making import Clock, running, stored

HEIGHT = "height"


def waiting(store: Supervision, reaches: int, *, gauge: str = HEIGHT) -> Job:
    job = running(store)
    info = {"target_age": 10, FOLLOWS: {"current_age": [1, -90], "blocks_remaining": [-1, reaches]}}
    after = job._replace(
        status=Status.WAITING,
        reason=Reason.CONDITION,
        waiting_info=info,
        gauge=gauge,
        reaches=reaches,
    )
    store.swap(job, after, Event(event="waiting"))
    return stored(store, job.id)


def statuses(store: Supervision, *jobs: Job) -> list[str]:
    return [str(stored(store, job.id).status) for job in jobs]


def test_a_reading_queues_those_whose_value_is_reached_and_no_others(store: Supervision) -> None:
    low, met, high = (waiting(store, value) for value in (99, 100, 101))
    other = waiting(store, 5, gauge="another")

    assert store.read_gauge(HEIGHT, 100, every_seconds=5) == 2
    assert statuses(store, low, met, high, other) == ["queued", "queued", "waiting", "waiting"]


def test_what_follows_a_gauge_is_shown_with_its_newest_value(store: Supervision) -> None:
    job = waiting(store, 101)
    store.read_gauge(HEIGHT, 95, every_seconds=5)

    assert stored(store, job.id).waiting_info == {"target_age": 10, "current_age": 5, "blocks_remaining": 6}
    store.read_gauge(HEIGHT, 20, every_seconds=5)
    assert stored(store, job.id).waiting_info == {"target_age": 10, "current_age": 0, "blocks_remaining": 81}


def test_of_all_that_wait_the_one_that_waits_for_the_least_is_sent_to_read(store: Supervision, clock: Clock) -> None:
    far, near, mid = (waiting(store, value) for value in (300, 100, 200))
    store.read_gauge(HEIGHT, 50, every_seconds=5)

    assert store.next_wake_seconds() == 5
    assert store.wake(10) == 0
    clock.move(5)
    assert store.wake(10) == 1
    assert statuses(store, far, near, mid) == ["waiting", "queued", "waiting"]


def test_nobody_else_is_sent_while_the_reader_has_not_begun(store: Supervision, clock: Clock) -> None:
    near, far = waiting(store, 100), waiting(store, 200)
    store.read_gauge(HEIGHT, 50, every_seconds=5)
    clock.move(5)
    store.wake(10)

    clock.move(3600)
    assert (store.next_wake_seconds(), store.wake(10)) == (None, 0)
    assert statuses(store, near, far) == ["queued", "waiting"]


def test_another_is_sent_when_the_reader_is_gone(store: Supervision, clock: Clock) -> None:
    near, far = waiting(store, 100), waiting(store, 200)
    store.read_gauge(HEIGHT, 50, every_seconds=5)
    clock.move(5)
    store.wake(10)
    reader = stored(store, near.id)
    store.swap(reader, reader._replace(status=Status.CANCELLED, reason=Reason.USER), Event(event="cancelled"))

    clock.move(5)
    assert store.wake(10) == 1
    assert statuses(store, near, far) == ["cancelled", "queued"]


def test_a_paused_job_is_neither_sent_nor_woken(store: Supervision, clock: Clock) -> None:
    job = waiting(store, 100)
    store.read_gauge(HEIGHT, 50, every_seconds=5)
    store.swap(job, job._replace(status=Status.WAITING, reason=Reason.PAUSED), Event(event="paused"))

    clock.move(5)
    assert (store.wake(10), store.read_gauge(HEIGHT, 500, every_seconds=5)) == (0, 0)
    assert statuses(store, job) == ["waiting"]


def test_a_job_that_waits_for_a_gauge_is_work_for_a_supervisor(store: Supervision) -> None:
    assert not store.has_work()

    waiting(store, 100)

    assert store.has_work()


def test_without_anybody_who_waits_a_gauge_is_not_read(store: Supervision, clock: Clock) -> None:
    store.read_gauge(HEIGHT, 50, every_seconds=5)
    clock.move(60)

    assert store.next_wake_seconds() is None
