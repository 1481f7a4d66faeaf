"""RQ on Redis, which flushes every command; a process is forked for each job, as RQ does by itself."""

import os
import time
from pathlib import Path
from typing import Any

import redis
import rq

from bench.peers import ground, servers, ticking
from bench.peers.subject import Subject

FAST = ("--maintenance-interval", "5", "--job-monitoring-interval", "2")
"""How soon it looks for jobs whose worker died; by itself after ten minutes."""


def struck(name: str, count: int) -> None:
    for step in range(count):
        ground.act(name, step)
    ground.end(name)


def many_steps(count: int) -> float:
    job = rq.get_current_job()
    assert job is not None
    began = time.perf_counter()
    for number in range(count):
        job.meta["step"] = number
        job.save_meta()
    return count / (time.perf_counter() - began)


class Peer(Subject):
    """Two programs."""

    name = package = "rq"
    durable = "Redis, appendfsync always"
    steps_are = "job.save_meta()"

    def open(self, place: Path) -> None:
        self._redis = servers.Redis(place)
        os.environ["PEER_URL"] = self._redis.url
        self._queue = rq.Queue("q", connection=redis.Redis(port=self._redis.port))

    def submit(self) -> Any:
        return self._queue.enqueue(ticking.noop)

    def submit_steps(self, name: str, count: int) -> None:
        self._queue.enqueue(struck, name, count, retry=rq.Retry(max=100_000), job_timeout=60)

    def result(self, submitted: Any) -> None:
        submitted.latest_result(timeout=30)

    def steps(self, count: int) -> float:
        self.work()
        result = self._queue.enqueue(many_steps, count).latest_result(timeout=120)
        assert result is not None
        return float(result.return_value)

    def start_worker(self, number: int) -> Any:
        return ground.start(ground.program("rq"), "worker", "q", "--url", os.environ["PEER_URL"], *FAST)

    def close(self) -> None:
        super().close()
        self._redis.close()
