"""Saving from a running job: steps and checkpoints, fenced by the attempt."""

import pytest

from outlast.core.errors import ClaimLost
from outlast.core.job import Checkpoint, Claim, Event, Job, Progress, Step, StepKind
from outlast.core.ports import Supervision
from tests.contract.making import NOON, Clock, Shop, end, requeued, running, step, stored

EVENT = Event(event="changed")


def lost_claims(store: Supervision) -> list[Claim]:
    """Return claims that must not write any more: of an ended, a requeued, a removed and an unknown job."""
    ended, put_back, gone = running(store), running(store), running(store)
    for job in (ended, gone):
        end(store, job)
    store.remove(stored(store, gone.id), "me")
    store.swap(put_back, requeued(put_back), EVENT)
    store.claim(stored(store, put_back.id), "process-2")
    return [ended.claim, put_back.claim, gone.claim, Claim(job_id="unknown", attempt=1)]


def put_back(store: Supervision, job: Job) -> Job:
    """Return the job as its process died: claimed again, with nothing saved since."""
    current = stored(store, job.id)
    store.swap(current, requeued(current)._replace(saved=False), EVENT)
    return store.claim(stored(store, job.id), "process-2")


def names(store: Supervision, job: Job, *, after: int = 0, limit: int = 99) -> list[str]:
    return [each.name for each in store.steps(job.id, after=after, limit=limit)]


def test_steps_come_back_in_order(store: Supervision, clock: Clock) -> None:
    job = running(store)
    for name in ("b", "a", "é" * 128, "'; drop table steps"):
        clock.move(1)
        store.save_step(job.claim, step(name, f'"{name}"'))

    assert names(store, job) == ["b", "a", "é" * 128, "'; drop table steps"]
    first = store.steps(job.id, after=0, limit=1)[0]
    assert first == Step(name="b", kind=StepKind.STEP, result='"b"', duration_ms=1.5, attempt=1, saved_at=NOON + 1000)


def test_steps_come_in_pages(store: Supervision) -> None:
    job = running(store)
    for number in range(5):
        store.save_step(job.claim, step(str(number)))

    assert names(store, job, after=1, limit=2) == ["1", "2"]
    assert names(store, job, after=5) == []
    assert store.steps("unknown", after=0, limit=9) == []


def test_steps_of_two_jobs_do_not_meet(store: Supervision) -> None:
    first, second = running(store), running(store)
    store.save_step(first.claim, step("same", "1"))
    store.save_step(second.claim, step("same", "2"))

    assert [each.result for each in store.steps(second.id, after=0, limit=9)] == ["2"]


@pytest.mark.parametrize("kind", list(StepKind))
def test_every_kind_of_step_is_kept(store: Supervision, kind: StepKind) -> None:
    job = running(store)
    store.save_step(job.claim, step("x")._replace(kind=kind))

    assert store.steps(job.id, after=0, limit=1)[0].kind is kind


def test_the_same_step_of_the_same_attempt_once_more_changes_nothing(store: Supervision, clock: Clock) -> None:
    job = running(store)
    store.save_step(job.claim, step("one", "1"))
    for number in range(100):
        store.save_step(job.claim, step(f"other {number}"))
    before = store.steps(job.id, after=0, limit=200)
    clock.move(5)

    store.save_step(job.claim, step("one", "2"))

    assert store.steps(job.id, after=0, limit=200) == before


def test_a_later_attempt_may_save_a_step_anew_in_its_place(store: Supervision) -> None:
    job = running(store)
    store.save_step(job.claim, step("wait", '{"until":1}'))
    store.save_step(job.claim, step("next"))
    again = put_back(store, job)

    store.save_step(again.claim, step("wait", "null"))

    assert [(each.name, each.result, each.attempt) for each in store.steps(job.id, after=0, limit=9)] == [
        ("wait", "null", 2),
        ("next", "1", 1),
    ]


def test_a_large_step_comes_back(store: Supervision) -> None:
    job = running(store)
    result = '"' + "x" * 2_000_000 + '"'

    store.save_step(job.claim, step("large", result))

    assert store.steps(job.id, after=0, limit=1)[0].result == result


def test_a_step_counts_as_saved_and_moves_the_time_of_the_job(store: Supervision, clock: Clock) -> None:
    job = running(store)
    assert not job.saved
    now = clock.move(3)

    store.save_step(job.claim, step("one"))
    found = stored(store, job.id)
    assert (found.saved, found.updated_at) == (True, now)

    now = clock.move(3)
    store.save_step(job.claim, step("two"))
    assert stored(store, job.id).updated_at == now


def test_a_step_after_a_death_counts_as_saved_again(store: Supervision) -> None:
    job = running(store)
    store.save_step(job.claim, step("one"))
    again = put_back(store, job)
    assert not stored(store, job.id).saved

    store.save_step(again.claim, step("two"))

    assert stored(store, job.id).saved
    assert names(store, job) == ["one", "two"]


def test_a_late_step_is_refused_and_changes_nothing(store: Supervision) -> None:
    for claim in lost_claims(store):
        with pytest.raises(ClaimLost):
            store.save_step(claim, step("late"))
        assert store.steps(claim.job_id, after=0, limit=9) == []


def test_a_late_checkpoint_is_refused_and_changes_nothing(store: Supervision) -> None:
    for claim in lost_claims(store):
        before = store.get(claim.job_id)
        with pytest.raises(ClaimLost):
            store.save_checkpoint(claim, Checkpoint(cursor="5", partial="6", progress=Progress(done=1)))
        assert store.get(claim.job_id) == before


def test_what_a_checkpoint_does_not_say_stays_as_it_was(store: Supervision, clock: Clock) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(cursor="5"))
    store.save_checkpoint(job.claim, Checkpoint(partial='{"best":1}'))
    store.save_checkpoint(job.claim, Checkpoint(extra={"difficulty_info": {"a": [1, 2.5, None]}}))
    now = clock.move(1)
    store.save_checkpoint(job.claim, Checkpoint(progress=Progress(done=1, total=3, updated_at=NOON)))

    found = stored(store, job.id)
    assert store.details(found).cursor == "5"
    assert (found.result, found.extra) == ('{"best":1}', {"difficulty_info": {"a": [1, 2.5, None]}})
    assert (found.progress, found.updated_at) == (Progress(done=1, total=3, updated_at=NOON), now)


def test_the_newest_checkpoint_counts(store: Supervision) -> None:
    job = running(store)
    for cursor in ("1", "2", '{"x":"é"}'):
        store.save_checkpoint(job.claim, Checkpoint(cursor=cursor))

    assert store.inputs_of([job])[job.id][1] == '{"x":"é"}'


def test_only_a_cursor_or_preview_that_differs_counts_as_saved(store: Supervision) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(progress=Progress(done=1)))
    assert not stored(store, job.id).saved
    store.save_checkpoint(job.claim, Checkpoint(cursor="5", partial="6"))
    assert stored(store, job.id).saved

    again = put_back(store, job)
    store.save_checkpoint(again.claim, Checkpoint(cursor="5", partial="6", progress=Progress(done=2)))
    assert not stored(store, job.id).saved
    store.save_checkpoint(again.claim, Checkpoint(cursor="5", partial="7"))
    assert stored(store, job.id).saved


def test_a_checkpoint_outlives_the_attempt(store: Supervision, shop: Shop) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(cursor="5", partial="6"))
    again = put_back(store, job)

    assert shop.open().details(again).cursor == "5"
    assert store.inputs_of([again])[again.id][1] == "5"
