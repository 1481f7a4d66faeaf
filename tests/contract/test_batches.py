"""Batches: together or not at all, and readable only once they are done."""

import threading

import pytest

from outlast.core.errors import ClaimLost, KeyConflict
from outlast.core.job import Checkpoint
from outlast.core.ports import Supervision
from outlast.core.status import Status
from tests.contract.making import Shop, end, new_job, requeued, running, step, stored, submitted
from tests.contract.test_swapping import EVENT


class Stop(Exception):
    """Raised by a test inside a batch."""


def test_the_calls_of_a_batch_happen_together(store: Supervision, shop: Shop) -> None:
    other = shop.open()
    job = running(store)
    with store.batch():
        store.save_step(job.claim, step("one"))
        next_one = submitted(store)
        end(store, job)
        assert other.get(next_one.id) is None
        assert stored(other, job.id).status is Status.RUNNING

    assert stored(other, job.id).status is Status.COMPLETED
    assert other.get(next_one.id) is not None


def test_an_exception_undoes_the_whole_batch(store: Supervision) -> None:
    job = running(store)
    before = stored(store, job.id)

    new = new_job()

    def change_all() -> None:
        with store.batch():
            store.save_step(job.claim, step("one"))
            store.save_checkpoint(job.claim, Checkpoint(cursor="5"))
            end(store, job)
            store.submit([new])
            raise Stop

    with pytest.raises(Stop):
        change_all()

    assert stored(store, job.id) == before
    assert store.steps(job.id, after=0, limit=9) == []
    assert store.get(new.id) is None


def test_the_store_goes_on_after_an_undone_batch(store: Supervision) -> None:
    job = new_job("only-in-the-batch")

    def submit_and_stop() -> None:
        with store.batch():
            store.submit([job])
            raise Stop

    with pytest.raises(Stop):
        submit_and_stop()

    store.submit([job])

    assert stored(store, job.id).spec == job.spec


def test_a_refused_call_inside_a_batch_undoes_only_itself(store: Supervision) -> None:
    job = running(store)
    lost = running(store)
    store.swap(lost, requeued(lost), EVENT)
    submitted(store, key="k")

    with store.batch():
        store.save_step(job.claim, step("one"))
        with pytest.raises(ClaimLost):
            store.save_step(lost.claim, step("late"))
        with pytest.raises(KeyConflict):
            store.submit([new_job(id="a"), new_job(key="k", args="{}")])
        store.save_step(job.claim, step("two"))

    assert [each.name for each in store.steps(job.id, after=0, limit=9)] == ["one", "two"]
    assert store.get("a") is None


def test_an_inner_batch_that_raises_undoes_only_itself(store: Supervision) -> None:
    job = running(store)

    def save_and_stop() -> None:
        with store.batch():
            store.save_step(job.claim, step("undone"))
            raise Stop

    with store.batch():
        store.save_step(job.claim, step("one"))
        with pytest.raises(Stop):
            save_and_stop()
        with store.batch(), store.batch():
            store.save_step(job.claim, step("two"))

    assert [each.name for each in store.steps(job.id, after=0, limit=9)] == ["one", "two"]


def test_a_batch_sees_its_own_changes(store: Supervision) -> None:
    with store.batch():
        job = running(store)
        store.save_step(job.claim, step("one"))
        assert stored(store, job.id).status is Status.RUNNING
        assert len(store.steps(job.id, after=0, limit=9)) == 1
        assert store.has_work()


def test_an_empty_batch_is_no_change(store: Supervision, shop: Shop) -> None:
    other = shop.open()
    seen = other.changes()

    with store.batch():
        pass

    assert other.changes() == seen


def test_threads_take_turns(store: Supervision) -> None:
    job = running(store)
    errors: list[BaseException] = []

    def save(name: str) -> None:
        try:
            for number in range(20):
                with store.batch():
                    store.save_step(job.claim, step(f"{name} {number} a"))
                    store.save_step(job.claim, step(f"{name} {number} b"))
                assert store.get(job.id) is not None
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=save, args=(name,)) for name in ("x", "y", "z")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = [each.name for each in store.steps(job.id, after=0, limit=999)]
    assert errors == []
    assert len(names) == 120
    assert all(names[place][:-1] == names[place + 1][:-1] for place in range(0, 120, 2))


def test_a_closed_store_opens_again_at_the_next_use(store: Supervision) -> None:
    job = submitted(store)
    store.close()
    store.close()

    assert store.get(job.id) == job
