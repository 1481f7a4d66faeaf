"""1. A function becomes a job; submitted, it runs in another process, and its result can be asked for."""

import asyncio
import os
from pathlib import Path

import pytest

from outlast import Handle, JobFailed, Outlast, WaitTimeout, job
from outlast.core.errors import NotStorable, UsageError


@job
def greet(name: str, greeting: str = "Hello") -> dict[str, str | int]:
    return {"text": f"{greeting}, {name}!", "pid": os.getpid()}


@job
def waits_for(path: str) -> str:
    while not os.path.exists(path):
        os.sched_yield()
    return "it is there"


@job
def fails() -> None:
    raise ValueError("nothing to see here")


def plain(number: int) -> int:
    return number * 2


def test_a_job_is_submitted_and_its_result_awaited() -> None:
    handle = greet.submit("Ada", greeting="Good day")

    result = handle.result(timeout=20)

    assert result["text"] == "Good day, Ada!"
    assert result["pid"] != os.getpid()
    assert handle.id.startswith("greet_")


def test_called_like_a_function_it_is_one() -> None:
    assert greet("Ada")["pid"] == os.getpid()


def test_a_handle_tells_status_and_job_object() -> None:
    handle = greet.submit("Ada")
    handle.wait(timeout=20)

    assert handle.status() == "completed"
    assert handle.job().items() >= {"job_id": handle.id, "kind": "greet", "status": "completed", "attempts": 1}.items()


def test_a_handle_is_found_again_by_its_id(outlast: Outlast) -> None:
    handle = greet.submit("Ada")

    assert outlast.get(handle.id).result(timeout=20)["text"] == "Hello, Ada!"


def test_waiting_has_a_limit_and_the_job_goes_on(tmp_path: Path) -> None:
    handle = waits_for.submit(str(tmp_path / "sign"))

    with pytest.raises(WaitTimeout, match="goes on"):
        handle.wait(timeout="50ms")

    (tmp_path / "sign").touch()
    assert handle.result(timeout=20) == "it is there"


def test_a_failed_job_raises_with_its_error() -> None:
    handle = fails.submit()

    with pytest.raises(JobFailed, match="ValueError: nothing to see here") as raised:
        handle.result(timeout=20)

    assert (raised.value.job_id, raised.value.reason) == (handle.id, "error")
    assert handle.job()["error"] == "ValueError: nothing to see here"


def test_a_function_needs_no_decorator(outlast: Outlast) -> None:
    assert outlast.submit(plain, 21).result(timeout=20) == 42


def test_arguments_must_fit_the_function_and_be_json() -> None:
    with pytest.raises(UsageError, match="missing a required argument: 'name'"):
        greet.submit()
    with pytest.raises(NotStorable, match=r"arguments\.kwargs\.greeting is a set"):
        greet.submit("Ada", greeting={"Hi"})


def test_results_can_be_awaited_without_blocking_an_event_loop(outlast: Outlast) -> None:
    async def both(first: Handle, second: Handle) -> list[int]:
        return list(await asyncio.gather(first.result_async(20), second.result_async(20)))

    assert asyncio.run(both(outlast.submit(plain, 1), outlast.submit(plain, 2))) == [2, 4]
