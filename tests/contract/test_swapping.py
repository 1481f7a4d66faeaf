"""Changing a job's status: compared, checked against the table of moves, and kept whole."""

from typing import Any

import pytest

from outlast.core.errors import ClaimLost, IllegalMove
from outlast.core.job import Checkpoint, Event, Job, Progress
from outlast.core.ports import Supervision
from outlast.core.status import Intent, Reason, Status
from tests.contract.making import NOON, Clock, end, ended, parked, requeued, running, step, stored, submitted

EVENT = Event(event="changed")


def completed(job: Job, **changes: Any) -> Job:
    return job._replace(status=Status.COMPLETED, **changes)


def failed(job: Job, error: str = "ValueError: no", **changes: Any) -> Job:
    return job._replace(status=Status.FAILED, reason=Reason.ERROR, error=error, **changes)


def test_a_swap_stores_what_is_said_and_the_time(store: Supervision, clock: Clock) -> None:
    job = running(store)
    now = clock.move(5)
    after = parked(job, Reason.RETRY, now + 1000)._replace(
        tries=1, crashes=2, saved=True, error="OSError: x", waiting_info={"n": 3}
    )

    store.swap(job, after, EVENT)

    found = stored(store, job.id)
    assert (found.status, found.reason, found.wake_at) == (Status.WAITING, Reason.RETRY, now + 1000)
    assert (found.tries, found.crashes, found.saved, found.error) == (1, 2, True, "OSError: x")
    assert (found.waiting_info, found.updated_at, found.started_at) == ({"n": 3}, now, NOON)
    assert (found.process_id, found.intent, found.intent_actor) == (None, None, None)


def test_a_swap_of_a_job_that_moved_on_is_refused_and_changes_nothing(store: Supervision) -> None:
    job = running(store)
    end(store, job)
    before = stored(store, job.id)

    with pytest.raises(ClaimLost, match=job.id):
        store.swap(job, failed(job), EVENT, result="1", traceback="t")

    assert stored(store, job.id) == before
    assert [event.event for event in store.details(before).events][-1] == "completed"


def test_a_swap_of_an_earlier_attempt_is_refused(store: Supervision) -> None:
    first = running(store)
    store.swap(first, requeued(first), EVENT)
    store.claim(stored(store, first.id), "process-2")

    with pytest.raises(ClaimLost):
        store.swap(first, completed(first), EVENT, result="1")

    assert stored(store, first.id).status is Status.RUNNING


def test_a_swap_of_a_job_that_is_gone_is_refused(store: Supervision) -> None:
    job = ended(store, Status.FAILED)
    store.remove(job, "me")

    with pytest.raises(ClaimLost):
        store.swap(job, requeued(job), EVENT)


def test_a_move_the_table_forbids_is_refused(store: Supervision) -> None:
    job = ended(store)

    with pytest.raises(IllegalMove):
        store.swap(job, requeued(job), EVENT)
    with pytest.raises(IllegalMove):
        store.swap(job, failed(job), EVENT)


def test_completed_keeps_its_result_and_its_end(store: Supervision, clock: Clock) -> None:
    job = running(store)
    now = clock.move(5)

    store.swap(job, completed(job, completed_at=now - 1), EVENT, result='{"pages":3}')

    found = stored(store, job.id)
    assert (found.status, found.result, found.completed_at, found.updated_at) == (
        Status.COMPLETED,
        '{"pages":3}',
        now - 1,
        now,
    )


def test_an_end_without_a_time_ends_now(store: Supervision, clock: Clock) -> None:
    job = running(store)
    now = clock.move(5)

    store.swap(job, completed(job), EVENT)

    assert stored(store, job.id).completed_at == now


@pytest.mark.parametrize("size", [0, 998, 999, 5000, 70_000, 3_000_000])
def test_results_of_any_size_come_back(store: Supervision, size: int) -> None:
    result = '"' + "é" * size + '"'
    job = running(store)

    store.swap(job, completed(job), EVENT, result=result)

    assert stored(store, job.id).result == result


def test_an_end_forgets_what_only_an_unfinished_job_shows(store: Supervision) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(extra={"difficulty_info": {"n": 1}}))
    store.ask(job, Intent.PAUSE, "me")
    job = stored(store, job.id)
    assert job.extra == {"difficulty_info": {"n": 1}}

    store.swap(job, completed(job, waiting_info={"n": 1}, wake_at=NOON), EVENT, result="1")

    found = stored(store, job.id)
    assert (found.extra, found.waiting_info, found.wake_at, found.intent) == (None, None, None, None)


def test_progress_is_kept_at_the_end(store: Supervision) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(progress=Progress(done=1, total=2.5, message="é", rate=0.1)))
    end(store, job)

    assert stored(store, job.id).progress == Progress(done=1, total=2.5, message="é", rate=0.1, updated_at=NOON)


def test_the_preview_is_shown_until_there_is_a_result(store: Supervision) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(partial='{"best":1}'))
    assert stored(store, job.id).result == '{"best":1}'

    end(store, job, Status.FAILED)
    assert stored(store, job.id).result == '{"best":1}'


def test_completed_without_a_result_does_not_show_the_preview(store: Supervision) -> None:
    job = running(store)
    store.save_checkpoint(job.claim, Checkpoint(partial='{"best":1}'))

    store.swap(job, completed(job), EVENT)

    assert stored(store, job.id).result is None


def test_a_failed_job_keeps_its_error_reason_and_traceback(store: Supervision) -> None:
    job = running(store)

    store.swap(job, failed(job), EVENT, traceback="Traceback …")

    found = stored(store, job.id)
    assert (found.status, found.reason, found.error) == (Status.FAILED, Reason.ERROR, "ValueError: no")
    assert store.details(found).traceback == "Traceback …"


def test_a_failed_job_may_have_a_result(store: Supervision) -> None:
    job = running(store)

    store.swap(job, failed(job), EVENT, result='{"valid":false}', traceback="T")

    found = stored(store, job.id)
    assert (found.result, store.details(found).traceback) == ('{"valid":false}', "T")


def test_an_endless_error_is_cut(store: Supervision) -> None:
    job = running(store)

    store.swap(job, failed(job, error="x" * 100_000), EVENT)

    error = stored(store, job.id).error
    assert error is not None
    assert len(error) == 8192
    assert error.endswith("…")


def test_retry_clears_the_end_and_keeps_the_steps(store: Supervision, clock: Clock) -> None:
    job = running(store)
    store.save_step(job.claim, step("one"))
    store.swap(job, failed(job), EVENT, result="1", traceback="T")
    store.mark_read([job.id])
    clock.move(5)
    before = stored(store, job.id)

    store.swap(before, requeued(before), Event(event="retried", actor="me"))

    found = stored(store, job.id)
    assert (found.status, found.reason, found.completed_at, found.read_at) == (Status.QUEUED, None, None, None)
    assert (found.result, store.details(found).traceback) == (None, None)
    assert [each.name for each in store.steps(job.id, after=0, limit=9)] == ["one"]
    assert found.started_at == NOON


def test_the_error_of_a_retried_job_is_what_the_caller_says(store: Supervision) -> None:
    job = ended(store, Status.FAILED)

    store.swap(job, requeued(job)._replace(error=None), EVENT)

    assert stored(store, job.id).error is None


def test_the_traceback_of_an_earlier_try_is_gone_once_a_later_one_completes(store: Supervision) -> None:
    job = running(store)
    store.swap(job, parked(job, Reason.RETRY, NOON), EVENT, traceback="T")
    assert store.details(job).traceback == "T"
    store.wake(1)
    again = store.claim(stored(store, job.id), "process-2")

    store.swap(again, completed(again), EVENT, result="1")

    assert store.details(stored(store, job.id)).traceback is None


@pytest.mark.parametrize("status", [Status.QUEUED, Status.WAITING])
def test_a_job_that_does_not_run_can_be_cancelled(store: Supervision, status: Status) -> None:
    job = submitted(store, delay_seconds=9.0 if status is Status.WAITING else None)
    assert job.status is status

    store.swap(job, job._replace(status=Status.CANCELLED, reason=Reason.USER), Event(event="cancelled", actor="me"))

    found = stored(store, job.id)
    assert (found.status, found.reason, found.completed_at, found.wake_at) == (
        Status.CANCELLED,
        Reason.USER,
        NOON,
        None,
    )


def test_asking_notes_who_wants_what_of_a_running_job(store: Supervision) -> None:
    job = running(store)

    assert store.ask(job, Intent.PAUSE, "cli:me")

    found = stored(store, job.id)
    assert (found.intent, found.intent_actor) == (Intent.PAUSE, "cli:me")
    assert store.wanted() == [found]


def test_a_wish_to_pause_does_not_undo_a_wish_to_cancel(store: Supervision) -> None:
    job = running(store)
    store.ask(job, Intent.CANCEL, "me")

    assert store.ask(job, Intent.PAUSE, "you")
    assert stored(store, job.id).intent is Intent.CANCEL


def test_asking_of_a_job_that_does_not_run_this_attempt_is_false(store: Supervision) -> None:
    queued, old = submitted(store), running(store)
    store.swap(old, requeued(old), EVENT)
    store.claim(stored(store, old.id), "process-2")

    assert not store.ask(queued, Intent.CANCEL, "me")
    assert not store.ask(old, Intent.CANCEL, "me")
    assert store.wanted() == []


def test_leaving_running_clears_process_and_intent(store: Supervision) -> None:
    job = running(store)
    store.ask(job, Intent.CANCEL, "me")
    job = stored(store, job.id)

    store.swap(job, requeued(job), EVENT)

    found = stored(store, job.id)
    assert (found.process_id, found.intent, found.intent_actor) == (None, None, None)
