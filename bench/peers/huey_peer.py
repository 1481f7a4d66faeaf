"""Huey on SQLite with fsync, its workers' polling tuned to a few milliseconds."""

import os
import time
from pathlib import Path
from typing import Any

from huey import SqliteHuey

from bench.peers import ground
from bench.peers.subject import WORKERS, Subject

huey = SqliteHuey(
    "bench", filename=f"{os.environ.get('PEER_PLACE', '.')}/huey.db", fsync=os.environ.get("PEER_FSYNC") != "0"
)


@huey.task()
def noop() -> int:
    ground.tick()
    return 1


@huey.task()
def struck(name: str, count: int) -> None:
    for step in range(count):
        ground.act(name, step)
    ground.end(name)


class Peer(Subject):
    """One program with two worker processes."""

    name = package = "huey"
    durable = "SQLite, fsync=True"
    steps_are = "huey.put(key, value)"
    programs = 1

    def open(self, place: Path) -> None:
        huey.storage.initialize_schema()

    def submit(self) -> Any:
        return noop()

    def submit_steps(self, name: str, count: int) -> None:
        struck(name, count)

    def result(self, submitted: Any) -> None:
        submitted(blocking=True, timeout=30, backoff=1.0, max_delay=0.001)

    def steps(self, count: int) -> float:
        began = time.perf_counter()
        for number in range(count):
            huey.put("step", number)
        return self.timed(began, count)

    def start_worker(self, number: int) -> Any:
        how = ("-k", "process", "-w", str(WORKERS), "-d", "0.005", "-m", "0.005", "-b", "1", "-c", "1")
        return ground.start(ground.program("huey_consumer"), "bench.peers.huey_peer.huey", *how)
