"""DBOS on SQLite, polling every 10 ms; each worker has an executor id of its own and recovers its workflows."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pysqlite3

sys.modules["sqlite3"] = pysqlite3  # Debian's SQLite is too old for DBOS

from dbos import DBOS, DBOSClient  # noqa: E402

from bench.peers import ground  # noqa: E402
from bench.peers.subject import Subject  # noqa: E402


@DBOS.workflow(name="noop")
def noop() -> int:
    ground.tick()
    return 1


@DBOS.step(name="act")
def act(name: str, step: int) -> None:
    ground.act(name, step)


@DBOS.step(name="count")
def count_up(number: int) -> int:
    return number


@DBOS.workflow(name="struck", max_recovery_attempts=100_000)
def struck(name: str, count: int) -> None:
    for step in range(count):
        act(name, step)
    ground.end(name)


@DBOS.workflow(name="steps")
def steps(count: int) -> int:
    for number in range(count):
        count_up(number)
    return count


def launch() -> None:
    """Start DBOS in this process, with its queue."""
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{ground.place()}/dbos.db",
            "log_level": "ERROR",
            "application_version": "1",
            "executor_id": os.environ.get("PEER_WORKER", "local"),
        }
    )
    DBOS.launch()
    DBOS.register_queue("q", worker_concurrency=1, polling_interval_sec=0.001)


class Peer(Subject):
    """Two programs, one job at a time each."""

    name = package = "dbos"
    durable = "SQLite, as it sets it"
    steps_are = "@DBOS.step"

    def open(self, place: Path) -> None:
        code = "import os; from bench.peers import dbos_peer; dbos_peer.launch(); os._exit(0)"
        subprocess.run([sys.executable, "-c", code], cwd=ground.ROOT, check=True)
        self._client = DBOSClient(system_database_url=f"sqlite:///{place}/dbos.db")

    def submit(self) -> Any:
        return self._client.enqueue({"workflow_name": "noop", "queue_name": "q"})

    def submit_steps(self, name: str, count: int) -> None:
        self._client.enqueue({"workflow_name": "struck", "queue_name": "q"}, name, count)

    def result(self, submitted: Any) -> None:
        submitted.get_result(polling_interval_sec=0.005)

    def steps(self, count: int) -> float:
        code = (
            "import os, time; from bench.peers import dbos_peer as it; it.launch(); it.steps(5); "
            "b = time.perf_counter(); "
            f"it.steps({count}); print('rate', {count} / (time.perf_counter() - b), flush=True); os._exit(0)"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ground.ROOT, capture_output=True, text=True, check=True)
        return next(float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("rate "))

    def start_worker(self, number: int) -> Any:
        return ground.start(sys.executable, "-m", "bench.peers.dbos_peer", PEER_WORKER=f"worker-{number}")

    def close(self) -> None:
        self._client.destroy()
        super().close()


if __name__ == "__main__":
    launch()
    threading.Event().wait()
