"""Celery on Redis, which flushes every command; acknowledged late, so that a job of a dead worker comes back."""

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task

from bench.peers import ground, servers
from bench.peers.subject import WORKERS, Subject

app = Celery("bench", broker=os.environ.get("PEER_URL"), backend=os.environ.get("PEER_URL"))
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.broker_transport_options = {"visibility_timeout": 5}


@app.task(name="noop")
def noop() -> int:
    ground.tick()
    return 1


@app.task(name="struck")
def struck(name: str, count: int) -> None:
    for step in range(count):
        ground.act(name, step)
    ground.end(name)


@app.task(name="steps", bind=True)
def many_steps(self: Task, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        self.update_state(state="PROGRESS", meta={"step": number})
    return count / (time.perf_counter() - began)


class Peer(Subject):
    """One program with two forked workers."""

    name = package = "celery"
    durable = "Redis, appendfsync always; acks_late"
    steps_are = "update_state()"
    programs = 1

    def open(self, place: Path) -> None:
        self._redis = servers.Redis(place)
        os.environ["PEER_URL"] = app.conf.broker_url = app.conf.result_backend = self._redis.url

    def submit(self) -> Any:
        return noop.delay()

    def submit_steps(self, name: str, count: int) -> None:
        struck.delay(name, count)

    def result(self, submitted: Any) -> None:
        submitted.get(timeout=30)

    def steps(self, count: int) -> float:
        self.work()
        return float(many_steps.delay(count).get(timeout=120))

    def start_worker(self, number: int) -> Any:
        how = ("worker", "-c", str(WORKERS), "-P", "prefork", "-l", "ERROR")
        return ground.start(ground.program("celery"), "-A", "bench.peers.celery_peer", *how, C_FORCE_ROOT="1")

    def close(self) -> None:
        super().close()
        self._redis.close()
