"""Claiming: what is due, in which order, and to whom."""

import pytest

from outlast.core.errors import ClaimLost, IllegalMove
from outlast.core.job import Checkpoint, Event, Job
from outlast.core.ports import Supervision
from outlast.core.status import Intent, Reason, Status
from tests.contract.making import (
    NOON,
    Clock,
    Shop,
    end,
    ended,
    new_job,
    parked,
    process,
    requeued,
    running,
    step,
    stored,
    submitted,
)

EVENT = Event(event="changed")


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def test_the_larger_priority_is_due_first_then_the_earlier_time_then_the_earlier_submission(
    store: Supervision, clock: Clock
) -> None:
    late = submitted(store, due_at=NOON - 1000)
    later = submitted(store)
    twin = submitted(store)
    clock.move(1)
    newest = submitted(store)
    high = submitted(store, priority=7, queue="other")
    low = submitted(store, priority=-1)

    assert ids(store.due(9)) == ids([high, late, later, twin, newest, low])
    assert ids(store.due(2)) == ids([high, late])


def test_only_jobs_of_the_named_queues_are_due(store: Supervision) -> None:
    jobs = [submitted(store, queue=name) for name in ("a", "b", "c", "a")]

    assert ids(store.due(9, queues=["b", "c"])) == ids(jobs[1:3])
    assert store.due(9, queues=["unknown"]) == []


def test_no_more_jobs_of_a_limited_queue_are_due_than_may_run_besides_those_that_do(store: Supervision) -> None:
    jobs = [submitted(store, queue=name) for name in ("a", "a", "b", "a", "b")]
    limits = {"a": 2, "unknown": 1}

    assert ids(store.due(9, at_once=limits)) == ids([jobs[0], jobs[1], jobs[2], jobs[4]])
    first = store.claim(jobs[0], "p")
    assert ids(store.due(9, at_once=limits)) == ids([jobs[1], jobs[2], jobs[4]])
    store.claim(jobs[1], "p")
    assert ids(store.due(9, at_once=limits)) == ids([jobs[2], jobs[4]])
    assert ids(store.due(9, at_once={"a": 1})) == ids([jobs[2], jobs[4]])
    assert store.due(9, queues=["a"], at_once=limits) == []
    with store.batch():
        end(store, first)
        assert ids(store.due(9, at_once=limits)) == ids(jobs[2:])


def test_a_queue_of_which_nothing_may_run_is_left_out(store: Supervision) -> None:
    jobs = [submitted(store, queue=name) for name in ("a", "b")]

    assert ids(store.due(9, at_once={"a": 0})) == ids(jobs[1:])


def test_only_queued_jobs_are_due(store: Supervision) -> None:
    running(store)
    ended(store)
    submitted(store, delay_seconds=5.0)

    assert store.due(9) == []


def test_a_claimed_job_runs_in_the_next_attempt(store: Supervision, clock: Clock) -> None:
    job = submitted(store)
    now = clock.move(2)

    claimed = store.claim(job, "process-1")

    assert (claimed.status, claimed.attempt, claimed.process_id) == (Status.RUNNING, 1, "process-1")
    assert (claimed.started_at, claimed.updated_at) == (now, now)
    assert stored(store, job.id) == claimed
    assert store.running() == [claimed]


def test_started_at_is_the_first_start(store: Supervision, clock: Clock) -> None:
    job = running(store)
    store.swap(job, requeued(job), EVENT)
    clock.move(5)

    again = store.claim(stored(store, job.id), "process-2")

    assert (again.attempt, again.started_at) == (2, NOON)


def test_a_job_is_claimed_once(store: Supervision) -> None:
    job = submitted(store)
    store.claim(job, "process-1")

    with pytest.raises(ClaimLost):
        store.claim(job, "process-2")

    assert stored(store, job.id).process_id == "process-1"


def test_a_job_of_an_earlier_attempt_is_not_claimed(store: Supervision) -> None:
    job = submitted(store)
    claimed = store.claim(job, "process-1")
    store.swap(claimed, requeued(claimed), EVENT)

    with pytest.raises(ClaimLost):
        store.claim(job, "process-2")


def test_a_job_that_is_not_queued_is_not_claimed(store: Supervision) -> None:
    with pytest.raises(IllegalMove):
        store.claim(submitted(store, delay_seconds=5.0), "process-1")


def test_inputs_are_arguments_and_cursors(store: Supervision) -> None:
    job, other = running(store, args='{"args":[1],"kwargs":{}}'), submitted(store, args='{"args":[],"kwargs":{}}')
    first, second = '{"args":[1],"kwargs":{}}', '{"args":[],"kwargs":{}}'
    assert store.inputs_of([job, other]) == {job.id: (first, None), other.id: (second, None)}

    store.save_checkpoint(job.claim, Checkpoint(cursor='{"page":5}'))

    assert store.inputs_of([job]) == {job.id: (first, '{"page":5}')}


def test_a_job_that_is_gone_has_no_input(store: Supervision) -> None:
    job, gone = submitted(store), ended(store)
    store.remove(gone, "test")

    assert store.inputs_of([gone, job]).keys() == {job.id}


def test_a_waiting_job_wakes_when_its_time_has_come(store: Supervision, clock: Clock) -> None:
    job = submitted(store, delay_seconds=2.0)
    assert store.next_wake_seconds() == 2.0
    clock.move(1.5)
    assert store.wake(9) == 0
    assert store.next_wake_seconds() == 0.5

    now = clock.move(1.5)

    assert store.next_wake_seconds() == 0
    assert store.wake(9) == 1
    found = stored(store, job.id)
    assert (found.status, found.reason, found.waiting_info, found.updated_at) == (Status.QUEUED, None, None, now)
    assert store.next_wake_seconds() is None


def test_a_woken_job_is_due_by_the_time_it_waited_for(store: Supervision, clock: Clock) -> None:
    second = submitted(store, delay_seconds=2.0)
    first = submitted(store, delay_seconds=1.0)
    clock.move(3)
    third = submitted(store)
    store.wake(9)

    assert ids(store.due(9)) == ids([first, second, third])


def test_at_most_so_many_wake_the_longest_due_first(store: Supervision, clock: Clock) -> None:
    jobs = [submitted(store, delay_seconds=float(seconds)) for seconds in (3, 1, 2)]
    clock.move(9)

    assert store.wake(2) == 2
    assert ids(store.due(9)) == ids([jobs[1], jobs[2]])
    assert store.wake(2) == 1


@pytest.mark.parametrize("wake_at", [None, NOON])
def test_a_paused_job_never_wakes_by_itself(store: Supervision, clock: Clock, wake_at: int | None) -> None:
    job = running(store)
    store.swap(job, parked(job, Reason.PAUSED, wake_at), EVENT)
    clock.move(9)

    assert store.next_wake_seconds() is None
    assert store.wake(9) == 0
    assert not store.has_work()


def test_a_job_that_waits_for_no_time_does_not_wake(store: Supervision) -> None:
    job = running(store)
    store.swap(job, parked(job, Reason.INPUT, None), EVENT)

    assert store.wake(9) == 0
    assert not store.has_work()


def test_there_is_work_while_something_is_queued_running_or_waits_for_a_time(store: Supervision) -> None:
    assert not store.has_work()
    job = submitted(store)
    assert store.has_work()
    job = store.claim(job, "process-1")
    assert store.has_work()
    store.swap(job, parked(job, Reason.TIME, NOON + 10**9), EVENT)
    assert store.has_work()
    job = stored(store, job.id)
    store.swap(job, job._replace(status=Status.CANCELLED, reason=Reason.USER), EVENT)
    assert not store.has_work()


def test_running_jobs_are_listed_with_all_that_a_new_supervisor_needs(store: Supervision) -> None:
    first, second = running(store), running(store)
    store.save_step(first.claim, step("one"))
    store.ask(second, Intent.CANCEL, "me")
    submitted(store)

    found = store.running()

    assert [(job.id, job.attempt, job.process_id, job.saved) for job in found] == [
        (first.id, 1, "process-1", True),
        (second.id, 1, "process-1", False),
    ]
    assert store.wanted() == [stored(store, second.id)]


def test_a_claim_clears_what_the_wait_left(store: Supervision, clock: Clock) -> None:
    job = running(store)
    store.swap(job, parked(job, Reason.TIME, NOON)._replace(waiting_info={"n": 1}), EVENT)
    store.wake(1)

    claimed = store.claim(stored(store, job.id), "process-2")

    assert (claimed.wake_at, claimed.waiting_info, claimed.reason) == (None, None, None)
    assert stored(store, job.id) == claimed


def test_processes_are_remembered_until_they_are_dropped(store: Supervision) -> None:
    store.add_process(process("a"))
    store.add_process(process("b"))
    store.add_process(process("a"))
    assert store.processes() == [process("a"), process("b")]

    store.drop_process("a")
    store.drop_process("unknown")

    assert store.processes() == [process("b")]


def test_one_supervisor_is_in_office(store: Supervision) -> None:
    assert store.supervisor() is None
    store.take_office(process("first"))
    store.take_office(process("second"))
    assert store.supervisor() == process("second")

    assert store.leave_office(if_idle=False)
    assert store.supervisor() is None


def test_office_is_not_left_while_there_is_work(store: Supervision) -> None:
    store.take_office(process("first"))
    job = submitted(store)

    assert not store.leave_office(if_idle=True)
    assert store.supervisor() == process("first")

    store.swap(job, job._replace(status=Status.CANCELLED, reason=Reason.USER), EVENT)
    assert store.leave_office(if_idle=True)
    assert store.supervisor() is None


def test_changes_of_others_are_noticed_and_own_ones_are_not(store: Supervision, shop: Shop) -> None:
    other = shop.open()
    seen = store.changes()
    submitted(store)
    assert store.changes() == seen

    other.submit([new_job()])
    assert store.changes() != seen

    seen = store.changes()
    assert store.changes() == seen
    store.close()
    assert store.changes() != seen
    with store.batch():
        assert store.changes() == store.changes()


def test_work_and_office_may_be_of_some_queues_only(store: Supervision) -> None:
    store.take_office(process("first"))
    submitted(store, queue="a")
    mail = submitted(store, queue="mail", delay_seconds=5.0)

    assert (store.has_work(["a"]), store.has_work(["mail"]), store.has_work(["b"])) == (True, True, False)
    assert not store.leave_office(if_idle=True, queues=["mail", "b"])
    store.swap(mail, mail._replace(status=Status.CANCELLED, reason=Reason.USER), EVENT)

    assert store.leave_office(if_idle=True, queues=["mail", "b"])
    assert store.supervisor() is None
    assert store.has_work()
