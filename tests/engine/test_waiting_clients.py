"""Clients that wait: many at once in one program, and whatever happens to the supervisor meanwhile."""

import asyncio
import os
import threading
from contextlib import suppress
from time import monotonic

import pytest

from outlast import JobCancelled
from outlast.client import Handle
from outlast.core.status import Status
from tests.crash.work import number
from tests.workshop import Workshop

THREADS, EACH = 8, 20
LONG_SECONDS = 0.8
"""Nearly what a client that misses a sign waits until it looks anyway."""


def test_of_many_threads_that_wait_each_hears_of_its_own_job(workshop: Workshop) -> None:
    assert workshop.submit(number, 0).result(20) == 0
    long: list[float] = []

    def submit_and_wait() -> None:
        for value in range(EACH):
            began = monotonic()
            assert workshop.submit(number, value).result(20) == value
            if monotonic() - began > LONG_SECONDS:
                long.append(monotonic() - began)

    threads = [threading.Thread(target=submit_and_wait) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(long) < THREADS * EACH / 50


def test_many_results_are_awaited_in_one_event_loop(workshop: Workshop) -> None:
    async def results() -> list[int]:
        handles: list[Handle] = [workshop.submit(number, value) for value in range(30)]
        return list(await asyncio.gather(*(handle.result_async(20) for handle in handles)))

    assert asyncio.run(results()) == list(range(30))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_of_a_program_whose_threads_wait_can_wait_as_well(workshop: Workshop) -> None:
    never = workshop.submit(number, 0, delay=3600)
    waiter = threading.Thread(target=lambda: suppressed(never))
    waiter.start()
    workshop.until(workshop.submit(number, 1), Status.COMPLETED)

    child = os.fork()
    if child == 0:
        os._exit(workshop.submit(number, 9).result(20))
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 9
    never.cancel()
    waiter.join()


def suppressed(handle: Handle) -> None:
    with suppress(JobCancelled):
        handle.result(30)


@pytest.mark.parametrize("times", [3])
def test_a_wait_outlives_the_supervisors_that_die_under_it(workshop: Workshop, times: int) -> None:
    handle = workshop.submit(number, 7, delay=2.0)
    results: list[int] = []
    waiter = threading.Thread(target=lambda: results.append(handle.result(30)))
    waiter.start()

    for _ in range(times):
        workshop.kill_supervisor()
    waiter.join()

    assert results == [7]
