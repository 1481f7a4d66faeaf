"""Questions, answers and promises, as every store keeps them."""

import pytest

from outlast.core.errors import ClaimLost
from outlast.core.job import Event, Job, StepKind
from outlast.core.ports import Supervision
from outlast.core.questions import Question, waiting_object
from outlast.core.status import Reason, Status
from tests.contract.making import Clock, end, parked, running, stored

EVENT = Event(event="changed")
QUESTION = Question(name="it's", text="Why?", schema={"type": "string"})


def asking(store: Supervision) -> Job:
    """Return a job that waits for an answer."""
    job = running(store)
    with store.batch():
        store.put_questions(job.claim, [QUESTION])
        store.swap(job, parked(job, Reason.INPUT, None)._replace(waiting_info=waiting_object([QUESTION])), EVENT)
    return stored(store, job.id)


def test_an_answer_is_kept_once_as_a_step(store: Supervision) -> None:
    job = asking(store)

    assert store.keep_answer(job, QUESTION.name, '{"answer":"so"}', "me")
    assert not store.keep_answer(job, QUESTION.name, '{"answer":"otherwise"}', "me")

    [step] = store.steps(job.id, after=0, limit=9)
    assert (step.name, step.kind, step.result) == ("ask:it's", StepKind.ANSWER, '{"answer":"so"}')


def test_only_a_waiting_job_of_the_same_attempt_is_answered(store: Supervision) -> None:
    job = asking(store)
    store.swap(job, job._replace(status=Status.QUEUED, reason=None), EVENT)

    assert not store.keep_answer(job, QUESTION.name, "{}", "me")
    assert store.steps(job.id, after=0, limit=9) == []


def test_only_the_attempt_that_runs_may_ask(store: Supervision) -> None:
    job = running(store)
    end(store, job)

    with pytest.raises(ClaimLost):
        store.put_questions(job.claim, [QUESTION])


def test_a_job_that_asks_gives_a_supervisor_nothing_to_do(store: Supervision) -> None:
    asking(store)

    assert not store.has_work()
    assert store.wake(9) == 0


def test_a_promise_outlives_retention_and_is_never_shortened(store: Supervision, clock: Clock) -> None:
    read, unread, free = running(store), running(store), running(store)
    for job in (read, unread, free):
        end(store, job)
    store.hold([read.id, unread.id], 7_200)
    store.hold([read.id, unread.id], 60)
    store.mark_read([read.id, free.id])

    clock.move(4_200)
    assert store.prune(older_than_seconds=3_600, limit=9, read=True) == [free.id]
    assert store.prune(older_than_seconds=3_600, limit=9, read=False) == []

    clock.move(3_100)
    assert store.prune(older_than_seconds=3_600, limit=9, read=True) == [read.id]
    assert store.prune(older_than_seconds=3_600, limit=9, read=False) == [unread.id]


def test_who_prunes_by_hand_is_not_bound_by_a_promise(store: Supervision, clock: Clock) -> None:
    job = running(store)
    end(store, job)
    store.hold([job.id], 7_200)
    clock.move(10)

    assert store.prune(older_than_seconds=5, limit=9) == [job.id]
