"""The job object: what everybody who asks is shown of a job."""

from typing import Any

import pytest

from outlast.core.codec import encode
from outlast.core.job import Home, Job, Progress, Spec
from outlast.core.policies import Policy
from outlast.core.status import Reason, Status
from outlast.core.view import elapsed_seconds, eta_seconds, job_object

NOON = 1_735_732_800_000
JOB = Job(
    seq=1,
    id="pow_1735732800000_9f2c41d07ab35e68",
    status=Status.QUEUED,
    spec=Spec(kind="pow", target="m:f", policy=Policy(), home=Home(interpreter="python3", path=(), cwd="/")),
    created_at=NOON,
    updated_at=NOON + 1,
)
BARE = {
    "job_id": "pow_1735732800000_9f2c41d07ab35e68",
    "status": "queued",
    "kind": "pow",
    "created_at": "2025-01-01T12:00:00.000Z",
    "started_at": "2025-01-01T12:00:00.000Z",
    "updated_at": "2025-01-01T12:00:00.001Z",
    "attempts": 0,
}


def shown(**changes: Any) -> dict[str, Any]:
    return job_object(JOB._replace(**changes))


def test_a_new_job_shows_only_what_every_job_has() -> None:
    assert shown() == BARE


def test_the_start_is_the_first_start_once_there_was_one() -> None:
    assert shown(started_at=NOON + 500)["started_at"] == "2025-01-01T12:00:00.500Z"


def test_a_completed_job_shows_its_end_and_its_result() -> None:
    view = shown(status=Status.COMPLETED, completed_at=NOON + 330_000, result='{"pages":3}')

    assert view["completed_at"] == "2025-01-01T12:05:30.000Z"
    assert view["result"] == {"pages": 3}


@pytest.mark.parametrize("result", [None, "null"])
def test_a_completed_job_always_has_a_result_also_null(result: str | None) -> None:
    view = shown(status=Status.COMPLETED, completed_at=NOON, result=result)

    assert "result" in view
    assert view["result"] is None


def test_an_unfinished_job_shows_a_result_only_as_a_preview() -> None:
    assert "result" not in shown(status=Status.RUNNING)
    assert shown(status=Status.RUNNING, result="[1]")["result"] == [1]


def test_a_failed_job_shows_its_error_and_its_reason() -> None:
    view = shown(status=Status.FAILED, reason=Reason.ERROR, error="ValueError: no", completed_at=NOON)

    assert (view["error"], view["reason"]) == ("ValueError: no", "error")


def test_a_waiting_job_shows_for_what_and_until_when() -> None:
    view = shown(status=Status.WAITING, reason=Reason.TIME, wake_at=NOON + 60_000, waiting_info={"current_age": 3})

    assert (view["reason"], view["wake_at"]) == ("time", "2025-01-01T12:01:00.000Z")
    assert view["waiting_info"] == {"current_age": 3}


def test_what_it_once_waited_for_is_not_shown_of_a_running_job() -> None:
    view = shown(status=Status.RUNNING, wake_at=NOON, waiting_info={"current_age": 3})

    assert not view.keys() & {"wake_at", "waiting_info"}


def test_what_was_set_is_shown() -> None:
    view = shown(key="k", account="alice", labels={"env": "prod"}, queue="slow", priority=-1, tries=2, crashes=1)

    assert {name: value for name, value in view.items() if name not in BARE} == {
        "key": "k",
        "account": "alice",
        "labels": {"env": "prod"},
        "queue": "slow",
        "priority": -1,
        "tries": 2,
        "crashes": 1,
    }


def test_an_empty_key_was_set_too() -> None:
    assert shown(key="", account="") == {**BARE, "key": "", "account": ""}


def test_progress_shows_what_was_reported_and_the_time_left() -> None:
    progress = Progress(done=25, total=100, message="page 25", rate=10, updated_at=NOON + 2_000)

    assert shown(status=Status.RUNNING, progress=progress)["progress"] == {
        "done": 25,
        "total": 100,
        "message": "page 25",
        "rate": 10,
        "eta_seconds": 7.5,
        "updated_at": "2025-01-01T12:00:02.000Z",
    }


def test_progress_without_a_total_shows_no_time_left() -> None:
    progress = Progress(done=25, rate=10, updated_at=NOON)

    assert shown(progress=progress)["progress"] == {"done": 25, "rate": 10, "updated_at": "2025-01-01T12:00:00.000Z"}


@pytest.mark.parametrize(
    ("done", "total", "rate", "seconds"),
    [
        (0, 100, 10, 10),
        (100, 100, 10, 0),
        (150, 100, 10, 0),
        (None, 100, 10, None),
        (0, None, 10, None),
        (0, 100, None, None),
        (0, 100, 0, None),
        (0, 100, -5, None),
        (0, 1e308, 1e-308, None),
        (0, float("inf"), 1, None),
        (0, float("nan"), 1, None),
        (0, 100, float("nan"), None),
    ],
)
def test_the_time_left_is_a_number_or_unknown(
    done: float | None, total: float | None, rate: float | None, seconds: float | None
) -> None:
    assert eta_seconds(Progress(done=done, total=total, rate=rate)) == seconds


def test_extra_keys_are_added_but_never_replace_the_truth() -> None:
    view = shown(status=Status.RUNNING, extra={"difficulty_info": {"current_age": 9}, "status": "completed"})

    assert view["difficulty_info"] == {"current_age": 9}
    assert view["status"] == "running"


def test_every_job_object_is_storable_json() -> None:
    view = shown(
        status=Status.WAITING,
        reason=Reason.RETRY,
        labels={"a": "b"},
        progress=Progress(done=1, total=2, rate=0.5),
        waiting_info={"n": 1},
        extra={"more": [1]},
    )

    assert encode(view, "job")


@pytest.mark.parametrize(
    ("started", "completed", "now", "seconds"),
    [
        (None, None, NOON, 0),
        (NOON, None, NOON + 1_500, 1.5),
        (NOON, NOON + 500, NOON + 9_000, 0.5),
        (NOON, NOON - 500, NOON, 0),
        (-2_000, 0, NOON, 2),
    ],
    ids=["not started", "running", "ended", "clock went back", "ended at the epoch"],
)
def test_the_time_taken_counts_from_the_first_start(
    started: int | None, completed: int | None, now: int, seconds: float
) -> None:
    assert elapsed_seconds(JOB._replace(started_at=started, completed_at=completed), now) == seconds
