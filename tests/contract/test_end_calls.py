"""The call that `on_end` asks for is submitted with the end, by whoever ends the job."""

import json
from contextlib import suppress

import pytest

from outlast.core.endcalls import KIND, TARGET
from outlast.core.job import Event, Job
from outlast.core.ports import Supervision
from outlast.core.query import parse_query
from outlast.core.status import Reason, Status
from tests.contract.making import end, parked, requeued, running, spec, stored, submitted

CALL = spec("demo", on_end="notify")


def calls(store: Supervision) -> list[Job]:
    return store.page(parse_query(f"kind:{KIND}"), before=None, limit=99).jobs


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_an_end_submits_its_call(store: Supervision, status: Status) -> None:
    job = running(store, spec=CALL, account="alice", queue="mail")

    end(store, job, status)

    [call] = calls(store)
    assert (call.status, call.spec.target, call.account, call.queue) == (Status.QUEUED, TARGET, "alice", "mail")
    assert call.labels == {"job": job.id, "status": str(status)}
    told = json.loads(store.details(call).args)["kwargs"]
    assert (told["on_end"], told["directory"]) == ("notify", job.spec.home.cwd)
    assert (told["job"]["job_id"], told["job"]["status"]) == (job.id, str(status))
    assert ("result" in told["job"]) == (status is Status.COMPLETED)


def test_no_end_no_call(store: Supervision) -> None:
    job = running(store, spec=CALL)
    store.swap(job, parked(job, Reason.RETRY, store.now()), Event(event="retrying"))
    store.swap(stored(store, job.id), requeued(job), Event(event="resumed"))
    end(store, running(store))
    end(store, running(store, spec=spec("demo", on_end="")))

    assert calls(store) == []


def test_each_end_has_its_call_and_a_call_has_none(store: Supervision) -> None:
    job = running(store, spec=CALL)
    end(store, job, Status.FAILED)
    failed = stored(store, job.id)
    store.swap(failed, requeued(failed), Event(event="retried"))
    end(store, store.claim(stored(store, job.id), "process-1"))
    for call in calls(store):
        end(store, store.claim(call, "process-1"))

    assert sorted(call.labels["status"] for call in calls(store)) == ["completed", "failed"]
    assert {call.labels["job"] for call in calls(store)} == {job.id}


def test_an_end_that_is_undone_undoes_its_call(store: Supervision) -> None:
    job = running(store, spec=CALL)

    with suppress(RuntimeError), store.batch():
        end(store, job)
        raise RuntimeError

    assert calls(store) == []
    assert stored(store, job.id).status is Status.RUNNING


def test_a_call_that_was_made_counts_as_read_and_one_that_failed_does_not(store: Supervision) -> None:
    for status in (Status.COMPLETED, Status.FAILED):
        end(store, running(store, spec=CALL))
        [call] = [call for call in calls(store) if call.status is Status.QUEUED]
        end(store, store.claim(call, "process-1"), status)

    read = {call.status: call.read_at is not None for call in calls(store)}
    assert read == {Status.COMPLETED: True, Status.FAILED: False}


def test_a_call_goes_before_what_else_is_in_its_queue(store: Supervision) -> None:
    job = running(store, spec=CALL)
    urgent = submitted(store, priority=1_000)

    end(store, job)

    assert [due.kind for due in store.due(9)] == [KIND, urgent.kind]
