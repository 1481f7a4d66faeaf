"""What is asked of everybody who is compared."""

import subprocess
import time
from pathlib import Path
from typing import Any

from bench.peers import ground

WORKERS = 2


class Subject:
    """One job system, on one machine, with two worker processes. Subclasses say how it does what is asked.

    `durable`: what is set so that an accepted job survives a power cut, or that nothing is. `steps_are`: what comes
    nearest to a step that is kept; empty if nothing does.
    """

    name = ""
    package = ""
    durable = ""
    steps_are = ""

    def __init__(self) -> None:
        self.workers: list[subprocess.Popen[bytes]] = []

    def title(self) -> str:
        """Return name and version."""
        from importlib.metadata import version  # not above: every forked process of a peer would load it

        return f"{self.name} {version(self.package)}"

    def open(self, place: Path) -> None:
        """Make an empty store or broker in a directory and connect to it."""
        raise NotImplementedError

    def submit(self) -> Any:
        """Submit a no-op job, durably as far as `durable` says; return what `result` takes."""
        raise NotImplementedError

    def submit_steps(self, name: str, count: int) -> None:
        """Submit the job that is struck: `ground.act` so many times, then `ground.end`."""
        raise NotImplementedError

    def result(self, submitted: Any) -> None:
        """Wait for the end of a no-op job as its documents advise."""
        raise NotImplementedError

    def steps(self, count: int) -> float:
        """Return how many of `steps_are` are done in a second by one job."""
        raise NotImplementedError

    def start_worker(self, number: int) -> "subprocess.Popen[bytes]":
        """Start a worker, or what starts all workers if the number is 0 and `WORKERS` are one program."""
        raise NotImplementedError

    def stand_by(self) -> None:
        """Start what a service has running besides its workers."""

    programs = WORKERS
    """How many programs the workers are."""

    def work(self) -> None:
        """Start what is not running."""
        for number in range(self.programs):
            if number >= len(self.workers):
                self.workers.append(self.start_worker(number))
            elif self.workers[number].poll() is not None:
                ground.kill(self.workers[number])
                self.workers[number] = self.start_worker(number)

    def close(self) -> None:
        """End everything."""
        for worker in self.workers:
            ground.kill(worker)

    def timed(self, began: float, count: int) -> float:
        """Return a rate."""
        return count / (time.perf_counter() - began)
