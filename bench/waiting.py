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
from outlast.backends import ServiceBackend
from outlast.client import Outlast, new_job
from outlast.core.codec import encode
from outlast.functions import home_of_this_process
from outlast.settings import load_settings


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def job_processes(supervisor: int) -> int:
    """Return how many processes the supervisor has."""
    return len(Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlast-bench-") as place:
        service = open_service(load_settings({"JOBS_DATA_DIR": place}), client="library")
        outlast = Outlast(backend=ServiceBackend(service))
        spec = engine_jobs.note_time.spec(home_of_this_process())
        began = time.perf_counter()
        text = encode({"args": [""], "kwargs": {}}, "arguments")
        service.submit([new_job(spec, text, delay="1h") for _ in range(options.waiting)])
        print(f"{options.waiting:,} waiting jobs stored in {time.perf_counter() - began:.1f} s")
        _quiet(service)
        supervisor = service.store.supervisor()
        assert supervisor is not None
        used, at = cpu_seconds(supervisor.pid), time.monotonic()
        service._doorbell.wait(10)
        time.sleep(10)
        share = (cpu_seconds(supervisor.pid) - used) / (time.monotonic() - at)
        print(f"job processes {job_processes(supervisor.pid)}, supervisor {share:.2%} of a core")
        _due(outlast, service, spec, Path(place) / "times", options.due)
        os.kill(supervisor.pid, signal.SIGTERM)


def _quiet(service: object) -> None:
    """Wait until jobs.json is written and the supervisor has nothing to do."""
    time.sleep(5)


def _due(outlast: Outlast, service: object, spec: object, path: Path, count: int) -> None:
    now = time.time()
    jobs = []
    for number in range(count):
        due = now + 3 + 10 * number / count
        text = encode({"args": [f"{path}", due], "kwargs": {}}, "arguments")
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(due)) + f".{int(due % 1 * 1000):03d}Z"
        jobs.append(new_job(spec, text, at=at))  # type: ignore[arg-type]
    service.submit(jobs)  # type: ignore[attr-defined]
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
