"""Submitting: all or none, each id once, each key once."""

from typing import Any

import pytest

from outlast.core.errors import KeyConflict, UsageError
from outlast.core.ports import Supervision
from outlast.core.status import Reason, Status
from tests.contract.making import NOON, Clock, Shop, ended, new_job, spec, stored, submitted


def test_a_due_job_is_queued_and_comes_back_as_it_was_given(store: Supervision) -> None:
    job = new_job(
        "mirror",
        args='{"args":["é😀"],"kwargs":{"n":1}}',
        key="mirror:1",
        account="alice",
        labels={"env": "prod", "ключ": "значение"},
        queue="slow",
        priority=-3,
        actor="cli:me",
    )

    [answer] = store.submit([job])

    assert (answer.job_id, answer.created) == (job.id, True)
    found = stored(store, job.id)
    assert (found.status, found.reason, found.wake_at, found.attempt) == (Status.QUEUED, None, None, 0)
    assert (found.created_at, found.updated_at, found.started_at) == (NOON, NOON, None)
    assert (found.spec, found.key, found.account, found.labels) == (job.spec, job.key, job.account, job.labels)
    assert (found.queue, found.priority, found.actor) == (job.queue, job.priority, job.actor)
    assert store.details(found).args == job.args


@pytest.mark.parametrize("size", [0, 999, 1001, 2_000_000])
def test_arguments_of_any_size_come_back(store: Supervision, size: int) -> None:
    args = '{"args":["' + "x" * size + '"],"kwargs":{}}'

    job = submitted(store, args=args)

    assert store.details(job).args == args
    assert store.inputs_of([job]) == {job.id: (args, None)}


def test_a_job_with_a_delay_waits_for_its_time(store: Supervision) -> None:
    job = submitted(store, delay_seconds=1.5)

    assert (job.status, job.reason, job.wake_at) == (Status.WAITING, Reason.TIME, NOON + 1500)


def test_a_job_for_later_waits_for_its_time(store: Supervision) -> None:
    job = submitted(store, due_at=NOON + 60_000)

    assert (job.status, job.reason, job.wake_at) == (Status.WAITING, Reason.TIME, NOON + 60_000)


@pytest.mark.parametrize("fields", [{"due_at": NOON - 1}, {"due_at": NOON}, {"delay_seconds": 0.0}])
def test_a_job_whose_time_has_come_is_queued(store: Supervision, fields: dict[str, float]) -> None:
    assert submitted(store, **fields).status is Status.QUEUED


def test_the_same_id_again_adds_nothing_and_answers_as_created(store: Supervision) -> None:
    job = new_job()
    store.submit([job])

    [again] = store.submit([job])

    assert (again.job_id, again.created) == (job.id, True)
    assert store.stats().by_status[Status.QUEUED] == 1


def test_the_same_id_and_key_again_answers_as_created(store: Supervision) -> None:
    job = new_job(key="k")
    store.submit([job])

    assert store.submit([job])[0].created


def test_a_known_key_answers_with_its_job(store: Supervision) -> None:
    first, second = new_job(key="k"), new_job(key="k")
    store.submit([first])

    [answer] = store.submit([second])

    assert (answer.job_id, answer.created) == (first.id, False)
    assert store.get(second.id) is None


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_a_key_is_known_whatever_became_of_its_job(store: Supervision, status: Status) -> None:
    first = ended(store, status, key="k")

    [answer] = store.submit([new_job(key="k")])

    assert (answer.job_id, answer.created) == (first.id, False)


def test_a_key_is_known_after_its_job_was_removed(store: Supervision) -> None:
    first = ended(store, key="k", args='{"args":[1],"kwargs":{}}')
    store.remove(first, "me")

    [answer] = store.submit([new_job(key="k", args='{"args":[1],"kwargs":{}}')])

    assert (answer.job_id, answer.created) == (first.id, False)


def test_the_same_arguments_in_another_order_of_names_are_the_same(store: Supervision) -> None:
    first = submitted(store, key="k", args='{"args":[],"kwargs":{"a":1,"b":2}}')

    [answer] = store.submit([new_job(key="k", args='{"args":[],"kwargs":{"b":2,"a":1}}')])

    assert answer.job_id == first.id


@pytest.mark.parametrize("removed", [False, True], ids=["stored", "removed"])
@pytest.mark.parametrize(
    "other",
    [{"spec": spec("other")}, {"spec": spec(target="module:other")}, {"args": '{"args":[2],"kwargs":{}}'}],
    ids=["kind", "target", "arguments"],
)
def test_a_key_with_something_else_is_refused_naming_the_job(
    store: Supervision, other: dict[str, Any], removed: bool
) -> None:
    first = ended(store, key="k")
    if removed:
        store.remove(first, "me")

    with pytest.raises(KeyConflict, match=first.id):
        store.submit([new_job(key="k", **other)])

    assert sum(store.stats().by_status.values()) == (0 if removed else 1)


def test_a_key_in_the_batch_counts_too(store: Supervision) -> None:
    first, second = new_job(key="k"), new_job(key="k")

    answers = store.submit([first, second])

    assert [(answer.job_id, answer.created) for answer in answers] == [(first.id, True), (first.id, False)]


def test_of_many_jobs_all_or_none_are_added(store: Supervision) -> None:
    ended(store, key="k")
    jobs = [new_job(), new_job(key="k", args='{"args":[9],"kwargs":{}}'), new_job()]

    with pytest.raises(KeyConflict):
        store.submit(jobs)

    assert [store.get(job.id) for job in jobs] == [None, None, None]


def test_many_jobs_answer_in_their_order(store: Supervision) -> None:
    known = submitted(store, key="k")
    jobs = [new_job(), new_job(key="k"), new_job()]

    answers = store.submit(jobs)

    assert [(a.job_id, a.created) for a in answers] == [(jobs[0].id, True), (known.id, False), (jobs[2].id, True)]


def test_later_jobs_have_a_larger_seq_also_when_the_clock_runs_backwards(store: Supervision, clock: Clock) -> None:
    jobs = [submitted(store)]
    for seconds in (-2 * 86400, 365 * 86400, -366 * 86400, 0, 0.001):
        clock.move(seconds)
        jobs.append(submitted(store))
    clock.at = 0
    jobs.append(submitted(store))

    seqs = [job.seq for job in jobs]
    assert seqs == sorted(set(seqs))


def test_what_is_not_unicode_is_refused(store: Supervision) -> None:
    with pytest.raises(UsageError):
        store.submit([new_job(account="\ud800")])

    assert sum(store.stats().by_status.values()) == 0


def test_a_number_beyond_the_store_is_refused(store: Supervision) -> None:
    with pytest.raises(UsageError):
        store.submit([new_job(priority=2**70)])


def test_an_empty_submission_adds_nothing(store: Supervision) -> None:
    assert store.submit([]) == []


def test_what_was_submitted_is_there_for_another_process(shop: Shop) -> None:
    job = submitted(shop.open())

    assert shop.open().get(job.id) == job
