"""10. A job may submit jobs and wait for them; meanwhile it holds no process."""

import pytest

from outlast import Context, Handle, JobCancelled, JobFailed, Outlast, job
from tests.waiting import eventually


@job
def squares(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number


@job
def sums_squares(ctx: Context, numbers: list[int]) -> dict[str, int]:
    children = [squares.submit(number, key=f"{ctx.job_id}:{number}") for number in numbers]
    return {"sum": sum(child.result() for child in children), "attempts": ctx.attempt}


def test_a_parent_waits_for_its_children_and_submits_each_once(outlast: Outlast) -> None:
    before = outlast.count("kind:squares")

    result = sums_squares.submit([1, 2, 3]).result(timeout=30)

    assert result["sum"] == 14
    assert outlast.count("kind:squares") == before + 3


def test_a_child_that_fails_raises_in_its_parent() -> None:
    with pytest.raises(JobFailed, match=r"JobFailed: squares_.* failed \(error\): ValueError: -1 is negative"):
        sums_squares.submit([-1]).result(timeout=30)


@job
def waits_for_another(other: str) -> int:
    return int(Outlast().get(other).result())


def cancelled_child(number: int) -> Handle:
    child = squares.submit(number, delay="1h")
    child.cancel()
    return child


def test_a_child_that_was_cancelled_fails_its_parent() -> None:
    child = cancelled_child(1)

    with pytest.raises(JobFailed, match=f"JobCancelled: {child.id} was cancelled"):
        waits_for_another.submit(child.id).result(timeout=20)


def test_a_parent_that_waits_can_be_cancelled() -> None:
    child = squares.submit(2, delay="1h")
    parent = waits_for_another.submit(child.id)
    eventually(lambda: parent.status() == "waiting", what="the parent to wait")

    assert parent.job()["waiting_info"] == {"waits_for": child.id}
    parent.cancel()

    with pytest.raises(JobCancelled):
        parent.result(timeout=20)
    assert child.cancel()["status"] == "cancelled"
