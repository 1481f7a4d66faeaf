"""100,000 waiting jobs, and 2,000 that come due within ten seconds: `python -m bench.waiting [--waiting N] [--due N]`.

Lateness is from the moment a job asked for until its function began, by the job's own clock.
"""

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

from bench import engine_jobs
from outlast.app import open_service
from outlast.client import new_job
from outlast.core.codec import encode
from outlast.core.job import Spec
from outlast.functions import home_of_this_process
from outlast.service import Service
from outlast.settings import load_settings


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process, to the nanosecond."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def children(pid: int) -> list[int]:
    """Return the processes that a supervisor has."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


SETTLE_SECONDS, IDLE_SECONDS = 15.0, 10.0
"""After so long jobs.json is written and the supervisor has nothing to do; for so long its idleness is measured."""


def measured(place: Path, waiting: int) -> dict[str, float]:
    """Return what so many waiting jobs cost: job processes, and the supervisor's share of a core in %."""
    service = _filled(place, waiting)
    found = idleness(service)
    _leave(service)
    return found


def idleness(service: Service) -> dict[str, float]:
    """Return the same for the jobs of a store."""
    time.sleep(SETTLE_SECONDS)
    supervisor = service.store.supervisor()
    assert supervisor is not None
    used, at = cpu_seconds(supervisor.pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = (cpu_seconds(supervisor.pid) - used) / (time.monotonic() - at)
    return {"job processes": len(children(supervisor.pid)), "share of a core": share * 100}


def _filled(place: Path, waiting: int) -> Service:
    service = open_service(load_settings({"JOBS_DATA_DIR": str(place)}), client="library")
    text = encode({"args": [""], "kwargs": {}}, "arguments")
    service.submit([new_job(_spec(), text, delay="1h") for _ in range(waiting)])
    return service


def _spec() -> Spec:
    return engine_jobs.note_time.spec(home_of_this_process())


def _leave(service: Service) -> None:
    """Let the supervisor leave, and wait until it has."""
    supervisor = service.store.supervisor()
    service.close()
    if supervisor:
        os.kill(supervisor.pid, signal.SIGTERM)
        while Path(f"/proc/{supervisor.pid}/exe").exists():
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlast-bench-") as place:
        began = time.perf_counter()
        service = _filled(Path(place), options.waiting)
        print(f"{options.waiting:,} waiting jobs stored in {time.perf_counter() - began:.1f} s")
        found = idleness(service)
        print(f"job processes {found['job processes']}, supervisor {found['share of a core']:.2f} % of a core")
        _due(service, Path(place) / "times", options.due)
        _leave(service)


def _due(service: Service, path: Path, count: int) -> None:
    now = time.time()
    jobs = []
    for number in range(count):
        due = now + 3 + 10 * number / count
        text = encode({"args": [f"{path}", due], "kwargs": {}}, "arguments")
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(due)) + f".{int(due % 1 * 1000):03d}Z"
        jobs.append(new_job(_spec(), text, at=at))
    service.submit(jobs)
    while not path.exists() or len(path.read_text().splitlines()) < count:
        time.sleep(0.5)
        if time.time() - now > 120:
            break
    late = sorted(float(line) for line in path.read_text().splitlines())
    print(
        f"{len(late):,} due within 10 s: lateness p50 {late[len(late) // 2]:.3f} s, "
        f"p99 {late[int(len(late) * 0.99)]:.3f} s, most {late[-1]:.3f} s"
    )


if __name__ == "__main__":
    main()
