"""Several processes on one store: one key makes one job, a job has one owner, first starts do not collide."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlast.core.errors import ClaimLost
from outlast.core.job import Event
from outlast.core.query import Query
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import Shop, new_job, running, step, stored, submitted

PROCESSES = 8


def in_processes(work: Callable[[Path, int], Any], directory: Path, count: int = PROCESSES) -> list[Any]:
    """Do the same in several processes at once, which wait for each other at the start; return what they return."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(count)
    pipes = [context.Pipe(duplex=False) for _ in range(count)]

    def run(number: int) -> None:
        barrier.wait()
        pipes[number][1].send(work(directory, number))

    children = [context.Process(target=run, args=(number,)) for number in range(count)]
    for child in children:
        child.start()
    for _, writer in pipes:
        writer.close()
    answers = [reader.recv() for reader, _ in pipes]
    for child in children:
        child.join()
    for reader, _ in pipes:
        reader.close()
    return answers


def submit_keys(directory: Path, number: int) -> list[tuple[str, bool]]:
    store = SqliteStore(directory / "jobs.db")
    answers = []
    for key in range(20):
        [answer] = store.submit([new_job(id=f"demo_1_{number:08x}{key:08x}", key=f"key {key}")])
        answers.append((answer.job_id, answer.created))
    store.close()
    return answers


def test_one_key_sent_by_many_processes_at_once_makes_one_job(tmp_path: Path) -> None:
    answers = in_processes(submit_keys, tmp_path)

    for per_key in zip(*answers, strict=True):
        assert len({job_id for job_id, _ in per_key}) == 1
        assert sum(created for _, created in per_key) == 1
    store = SqliteStore(tmp_path / "jobs.db")
    assert store.stats().by_status[Status.QUEUED] == 20
    assert store.check() == []
    store.close()


def claim_all(directory: Path, number: int) -> list[str]:
    store = SqliteStore(directory / "jobs.db")
    claimed = []
    while jobs := store.due(3):
        for job in jobs:
            try:
                store.claim(job, f"process-{number}")
            except ClaimLost:
                continue
            claimed.append(job.id)
    store.close()
    return claimed


def test_no_job_is_claimed_twice(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    jobs = [new_job() for _ in range(60)]
    store.submit(jobs)
    store.close()

    claimed = [job_id for answer in in_processes(claim_all, tmp_path, count=4) for job_id in answer]

    assert sorted(claimed) == sorted(job.id for job in jobs)
    found = SqliteStore(tmp_path / "jobs.db")
    assert {job.attempt for job in found.running()} == {1}
    found.close()


def start_first(directory: Path, number: int) -> str:
    store = SqliteStore(directory / "new" / "deep" / "jobs.db")
    job = submitted(store, id=f"demo_1_{number:016x}")
    store.close()
    return job.id


def test_first_starts_at_once_make_one_store(tmp_path: Path) -> None:
    ids = in_processes(start_first, tmp_path)

    store = SqliteStore(tmp_path / "new" / "deep" / "jobs.db")
    assert len(store.page(Query(), before=None, limit=99).jobs) == len(ids)
    assert store.check() == []
    store.close()


def test_a_late_write_of_another_process_is_refused(shop: Shop) -> None:
    here, there = shop.open(), shop.open()
    job = running(here)
    there.swap(job, job._replace(status=Status.QUEUED), Event(event="crashed"))
    there.claim(stored(there, job.id), "process-2")

    with pytest.raises(ClaimLost):
        here.save_step(job.claim, step("late"))


def test_a_forked_child_uses_a_connection_of_its_own(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    job = running(store)

    def in_child(directory: Path, number: int) -> str:
        store.save_step(job.claim, step(f"child {number}"))
        return str(stored(store, job.id).status)

    assert in_processes(in_child, tmp_path, count=3) == ["running"] * 3
    store.save_step(job.claim, step("parent"))
    assert len(store.steps(job.id, after=0, limit=9)) == 4
    store.close()


def test_a_child_forked_in_the_middle_of_a_batch_is_not_in_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    job = running(store)

    def in_child(directory: Path, number: int) -> int:
        return len(store.steps(job.id, after=0, limit=9))

    with store.batch():
        store.save_step(job.claim, step("in the batch"))
        seen = in_processes(in_child, tmp_path, count=1)
        store.save_step(job.claim, step("after the fork"))

    assert seen == [0]
    assert len(store.steps(job.id, after=0, limit=9)) == 2
    store.close()


def test_a_child_that_leaves_a_batch_of_its_parent_ends_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    with store.batch():
        job = submitted(store)
        child = os.fork()
    if child == 0:
        os._exit(0 if store.get(job.id) is None or stored(store, job.id) == job else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert store.get(job.id) == job
    store.close()


def test_the_end_of_a_forked_child_does_not_take_the_locks_of_its_parent(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    submitted(store)
    with store.batch():
        inside = submitted(store)
        if (child := os.fork()) == 0:
            # As a child that leaves the ordinary way: interpreter shutdown, with the parent's connection in memory.
            try:
                store.now()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert in_processes(lambda directory, number: _is_there(directory, inside.id), tmp_path, count=1) == [False]

    assert in_processes(lambda directory, number: _is_there(directory, inside.id), tmp_path, count=1) == [True]
    store.close()


def _is_there(directory: Path, job_id: str) -> bool:
    store = SqliteStore(directory / "jobs.db")
    try:
        return store.get(job_id) is not None
    finally:
        store.close()


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        store = SqliteStore(tmp_path / "jobs.db")
        while True:
            job = submitted(store)
            os.write(writer, f"{job.id}\n".encode())
    os.close(writer)
    with open(reader) as pipe:
        promised = [pipe.readline().strip() for _ in range(50)]
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        promised += pipe.read().split()

    found = SqliteStore(tmp_path / "jobs.db")
    assert [job_id for job_id in promised if found.get(job_id) is None] == []
    assert found.check() == []
    found.close()
