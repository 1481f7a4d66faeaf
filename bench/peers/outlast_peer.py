"""Outlast, as it is when nothing is set."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.peers import ground
from bench.peers.subject import WORKERS, Subject
from outlast import Context, Outlast, job


@job
def noop() -> int:
    ground.tick()
    return 1


@job(max_crashes=100_000)
def struck(ctx: Context, name: str, count: int) -> None:
    for step in range(count):
        ctx.step(f"step {step}", ground.act, name, step)
    ground.end(name)


@job
def many_steps(ctx: Context, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        ctx.step(f"step {number}", int)
    return count / (time.perf_counter() - began)


class Peer(Subject):
    """One program: a supervisor with two job processes."""

    name = package = "outlast"
    durable = "SQLite WAL, synchronous=FULL"
    steps_are = "ctx.step"
    programs = 1

    def open(self, place: Path) -> None:
        os.environ["OUTLAST_AUTOSTART"] = "0"
        self._data = str(place / "data" / "jobs")
        self._outlast = Outlast(data_dir=self._data)

    def submit(self) -> Any:
        return self._outlast.submit(noop)

    def submit_steps(self, name: str, count: int) -> None:
        self._outlast.submit(struck, name, count)

    def result(self, submitted: Any) -> None:
        submitted.result(30)

    def steps(self, count: int) -> float:
        self.work()
        return float(self._outlast.submit(many_steps, count).result(120))

    def stand_by(self) -> None:
        """Start a supervisor, which writes jobs.json, but for another queue."""
        self.workers.append(self._start_supervisor("--queue", "nothing"))
        ground.wait_until(lambda: bool(ground.children(self.workers[0].pid)), 5)

    def start_worker(self, number: int) -> Any:
        return self._start_supervisor()

    def _start_supervisor(self, *options: str) -> Any:
        command = (sys.executable, "-m", "outlast", "--data-dir", self._data, "worker", *options)
        return ground.start(*command, OUTLAST_CONCURRENCY=str(WORKERS))

    def close(self) -> None:
        self._outlast.close()
        for worker in self.workers:
            worker.terminate()  # it takes its job processes along; a killed one leaves them to the next
            worker.wait(20)
        super().close()
