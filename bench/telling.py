"""What it costs to be told something: commands on a store with many finished jobs, against `python -c pass`.

    python -m bench.telling [--finished 100000] [--rounds 7] [--directory DIR]

The jobs are those of bench/finished.py. Read the ratios, not the times.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.finished import fill
from outlast.storage.sqlite import SqliteStore

OUTLAST = str(Path(sys.executable).with_name("outlast"))
LIST = ("list", "--json")
PASS = [sys.executable, "-c", "pass"]
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Says how many KiB a command has had at most; it is small, because a child begins with the memory of its parent."""


def seconds(command: list[str], environment: dict[str, str], rounds: int) -> float:
    """Return the median time of a command, after one round that warms the caches."""
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def environment_of(directory: Path) -> dict[str, str]:
    """Return an environment in which commands speak of a store that nobody works on."""
    return {**os.environ, "JOBS_DATA_DIR": str(directory), "OUTLAST_AUTOSTART": "0"}


def listing(directory: Path, rounds: int) -> dict[str, float]:
    """Return what a program costs that starts and lists the newest 50 jobs: seconds, and the most memory in MB.

    `bare` is what Python costs that does nothing, in turn with it.
    """
    environment = environment_of(directory)
    peak = int(subprocess.check_output([sys.executable, "-c", PEAK, OUTLAST, *LIST], env=environment))
    turns = [(seconds(PASS, environment, 1), seconds([OUTLAST, *LIST], environment, 1)) for _ in range(rounds)]
    bare, full = (statistics.median(column) for column in zip(*turns, strict=True))
    return {"seconds": full, "bare": bare, "MB": peak * 1024 / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--directory", default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        fill(Path(name) / "jobs.db", options.finished)
        environment = environment_of(Path(name))
        store = SqliteStore(Path(name) / "jobs.db")
        group = store.failures(since_seconds=None, limit=1).groups[0]
        store.close()
        bare = seconds(PASS, environment, options.rounds)
        print(f"{options.finished:,} finished jobs; python -c pass {bare * 1000:.1f} ms")
        for words in (
            LIST,
            ["show", group.example_id, "--json"],
            ["explain", group.example_id, "--json"],
            ["failures", "--json"],
            ["failures", "--since", "1d", "--json"],
            ["failures", group.code, "--json"],
            ["stats", "--json"],
            ["retry", "--match", "status:failed", "--dry-run"],
        ):
            took = seconds([OUTLAST, *words], environment, options.rounds)
            shown = " ".join(words).replace(group.example_id, "ID")
            print(f"outlast {shown:42}{took * 1000:9.1f} ms {took / bare:7.1f} ×")


if __name__ == "__main__":
    main()
