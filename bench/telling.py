"""What it costs to be told something: commands on a store with many finished jobs, against `python -c pass`.

    python bench/telling.py [--finished 100000] [--rounds 7] [--directory DIR]

One of twenty jobs has failed, in 25 ways; one of five has been removed since. Read the ratios, not the times.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from outlast.core.errorgroups import error_group
from outlast.core.job import Home, NewJob, Spec
from outlast.core.policies import Policy
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.history import History
from outlast.storage.sqlite.traces import Trace

KINDS = ("mirror", "mail", "report", "ping", "crawl")
ERRORS = (
    "HTTPError: 503 for https://example.org/{n}",
    "KeyError: 'k{n}'",
    "TimeoutError: ran longer than {n} s",
    "exit code 3",
    "killed by SIGKILL",
    *(f"ValueError: row {{n}} is odd, case {letter}" for letter in "abcdefghijklmnopqrst"),
)
DAYS = 14
_INSERT = (
    "INSERT OR IGNORE INTO jobs (seq, id, kind, status, reason, spec_id, queue, priority, keep, created_at, started_at,"
    " updated_at, completed_at, attempt, actor, error, error_group, result, args)"
    " VALUES (?, ?, ?, ?, ?, ?, 'default', 0, 0, ?, ?, ?, ?, 1, 'cli:me', ?, ?, ?, '{\"args\":[],\"kwargs\":{}}')"
)
_REMOVED = (
    "SELECT 'h' || id, NULL, kind, NULL, status, reason, error_group, created_at, started_at, completed_at,"
    " completed_at + 3600000, 'retention', NULL FROM jobs WHERE seq % 5 = 0 ORDER BY completed_at"
)


def fill(path: Path, finished: int) -> None:
    """Make a store with so many finished jobs, spread over the last days."""
    store = SqliteStore(path)
    home = Home(interpreter=sys.executable, path=("/app",), cwd="/")
    specs = {kind: Spec(kind=kind, target="module:function", policy=Policy(), home=home) for kind in KINDS}
    store.submit([NewJob(id=f"{kind}_1_{0:016x}", spec=spec, args="{}") for kind, spec in specs.items()])
    database = store._database
    known = dict(database.execute("SELECT kind, spec_id FROM jobs"))
    with database.write():
        database.execute("DELETE FROM jobs")
        database.executemany(_INSERT, rows(finished, store.now(), known))
        History(database.execute).add([Trace(*row) for row in database.execute(_REMOVED)])
    store.close()


def rows(finished: int, now: int, specs: dict[str, int]) -> Iterator[tuple[object, ...]]:
    chance = random.Random(1)
    length = DAYS * 86_400_000
    for n in range(finished):
        kind = KINDS[n % len(KINDS)]
        at = now - length + n * length // finished
        end = at + chance.randint(100, 60_000)
        error = chance.choice(ERRORS).format(n=n) if chance.random() < 0.05 else None
        status, reason = ("failed", "error") if error else ("completed", None)
        group = error_group(error) if error else None
        result = None if error else '{"ok":true}'
        job_id = f"{kind}_{at}_{n:016x}"
        yield (at * 1024, job_id, kind, status, reason, specs[kind], at, at, end, end, error, group, result)


def seconds(command: list[str], environment: dict[str, str], rounds: int) -> float:
    """Return the median time of a command, after one round that warms the caches."""
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--directory", default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        fill(Path(name) / "jobs.db", options.finished)
        environment = {**os.environ, "JOBS_DATA_DIR": name, "OUTLAST_AUTOSTART": "0"}
        outlast = str(Path(sys.executable).with_name("outlast"))
        store = SqliteStore(Path(name) / "jobs.db")
        group = store.failures(since_seconds=None, limit=1).groups[0]
        store.close()
        bare = seconds([sys.executable, "-c", "pass"], environment, options.rounds)
        print(f"{options.finished:,} finished jobs; python -c pass {bare * 1000:.1f} ms")
        for words in (
            ["list", "--json"],
            ["show", group.example_id, "--json"],
            ["explain", group.example_id, "--json"],
            ["failures", "--json"],
            ["failures", "--since", "1d", "--json"],
            ["failures", group.code, "--json"],
            ["stats", "--json"],
            ["retry", "--match", "status:failed", "--dry-run"],
        ):
            took = seconds([outlast, *words], environment, options.rounds)
            shown = " ".join(words).replace(group.example_id, "ID")
            print(f"outlast {shown:42}{took * 1000:9.1f} ms {took / bare:7.1f} ×")


if __name__ == "__main__":
    main()
