"""9. What a job prints is its log; warm processes serve job after job, `isolation="process"` gives each its own."""

import asyncio
import os
import sys

from outlast import Context, job


@job
def prints(ctx: Context) -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)
    ctx.log.info("through %s", "the logger")


def test_everything_a_job_writes_is_in_its_log() -> None:
    handle = prints.submit()
    handle.wait(timeout=20)

    log = handle.logs()

    assert "to stdout\n" in log
    assert "to stderr\n" in log
    assert "INFO through the logger\n" in log


@job(max_attempts=2, backoff="10ms")
def prints_and_fails(ctx: Context) -> None:
    print(f"this is {ctx.attempt}")
    raise ValueError("on purpose")


def test_attempts_follow_each_other_in_the_log_each_with_its_traceback() -> None:
    handle = prints_and_fails.submit()
    handle.wait(timeout=20)

    first, _, second = handle.logs().partition("== attempt 2 ==\n")

    for number, text in ((1, first), (2, second)):
        assert f"this is {number}\n" in text
        assert "Traceback (most recent call last)" in text
        assert "ValueError: on purpose" in text


@job
def warm() -> int:
    return os.getpid()


@job(isolation="process")
def alone() -> int:
    return os.getpid()


def test_a_process_serves_one_job_after_another() -> None:
    assert warm.submit().result(timeout=20) == warm.submit().result(timeout=20)


def test_an_isolated_job_has_a_process_of_its_own() -> None:
    pids = [alone.submit().result(timeout=20), alone.submit().result(timeout=20), warm.submit().result(timeout=20)]

    assert len(set(pids)) == 3


@job
async def cooks(ctx: Context, *dishes: str) -> list[str]:
    async def cook(dish: str) -> str:
        return await asyncio.to_thread("warm {}".format, dish)

    done = await asyncio.gather(*(cook(dish) for dish in dishes))
    ctx.step("serve", list)
    return done


def test_an_async_function_is_a_job_as_well() -> None:
    assert cooks.submit("soup", "bread").result(timeout=20) == ["warm soup", "warm bread"]
