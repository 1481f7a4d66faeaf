"""What the store costs, against what SQLite itself costs on the same disk at the same time.

    python -m bench.store [--rounds 40] [--finished 1000000] [--directory DIR]

Commits are measured in small blocks, the bare one and ours in turn, because a shared disk changes its speed from one
second to the next: read the ratios, not the rates. Pages are measured on a store with that many finished jobs.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import apsw

from bench.finished import kept
from outlast.core.job import Event, Home, Job, NewJob, ProcessIdentity, Spec, Step, StepKind
from outlast.core.policies import Policy
from outlast.core.query import Query, parse_query
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from outlast.storage.view_file import ViewFile

BLOCK = 50
WAL_BYTES = 16_000_000
ARGS = json.dumps({"args": ["x" * 170], "kwargs": {}})
HOME = Home(interpreter="python3", path=("/app",), cwd="/app")
SPEC = Spec(kind="main", target="module:function", policy=Policy(), home=HOME)
QUERIES = ("", "status:failed", "status:completed", "kind:rare", "status:failed kind:rare", "error:value", "age:<1h")
UNKNOWN = "a word that none has"
ALL_LOOKS = "a word that none has, all looks"

numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A line of the report: what is measured, and the least ratio to the bare commit that is asked for."""

    name: str
    act: Callable[[], object]
    least: float | None = None


def new_job() -> NewJob:
    number = next(numbers)
    return NewJob(id=f"main_1735732800000_{number:016x}", spec=SPEC, args=ARGS, key=f"key:{number}")


class Commits:
    """One durable change at a time: bare SQLite, and each kind of change of ours."""

    def __init__(self, directory: Path) -> None:
        self.store = SqliteStore(directory / "jobs.db")
        self.bare = apsw.Connection(str(directory / "bare.db"))
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000"):
            self.bare.execute(f"PRAGMA {pragma}").fetchall()
        self.bare.execute("CREATE TABLE bare (a INTEGER PRIMARY KEY, b TEXT)")
        self.store.submit([new_job() for _ in range(5000)])
        # As under a supervisor, which begins with a WAL of full size; the bare one is written to that size below.
        self.store.take_office(ProcessIdentity(id="b", pid=1, start_ticks=1, boot_id="b", pid_namespace="n"))
        while Path(f"{self.bare.filename}-wal").stat().st_size < WAL_BYTES:
            self.bare_commit()
        self.stepping = self.store.claim(self.store.due(1)[0], "process")
        self.cycling: Job | None = None

    def bare_commit(self) -> None:
        self.bare.execute("INSERT INTO bare (b) VALUES (?)", ("x" * 200,))

    def submit(self) -> None:
        self.store.submit([new_job()])

    def save_step(self) -> None:
        step = Step(name=f"step {next(numbers)}", kind=StepKind.STEP, result="1", duration_ms=0.1)
        self.store.save_step(self.stepping.claim, step)

    def finish_and_claim(self) -> None:
        with self.store.batch():
            if self.cycling is not None:
                after = self.cycling._replace(status=Status.COMPLETED)
                self.store.swap(self.cycling, after, Event(event="completed"), result='{"ok":true}')
            self.cycling = self.store.claim(self.store.due(1)[0], "process")


def measure_commits(directory: Path, rounds: int) -> None:
    commits = Commits(directory)
    targets = [
        Target(name="bare apsw, one row", act=commits.bare_commit),
        Target(name="submit, key and 200 bytes", act=commits.submit, least=0.6),
        Target(name="save_step", act=commits.save_step, least=0.7),
        Target(name="finish one, claim the next", act=commits.finish_and_claim),
    ]
    times: dict[str, list[float]] = {target.name: [] for target in targets}
    for turn in range(rounds + 1):
        for target in targets:
            for _ in range(BLOCK):
                began = time.perf_counter()
                target.act()
                if turn:
                    times[target.name].append(time.perf_counter() - began)
    bare = statistics.median(times[targets[0].name])
    for target in targets:
        median = statistics.median(times[target.name])
        wanted = "" if target.least is None else f"  (least {target.least})"
        print(f"{target.name:32}{1 / median:10,.0f} /s {bare / median:8.2f} × bare{wanted}")
    commits.store.close()
    commits.bare.close()


def many(directory: Path) -> float:
    """Return how many jobs a second are stored by calls that take 10,000."""
    store = SqliteStore(directory / "many.db")
    rates = []
    for _ in range(5):
        jobs = [new_job() for _ in range(10_000)]
        began = time.perf_counter()
        store.submit(jobs)
        rates.append(len(jobs) / (time.perf_counter() - began))
    store.close()
    return statistics.median(rates)


def median_ms(act: Callable[[], object], times: int = 20) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


def pages(store: SqliteStore) -> dict[str, float]:
    """Return the milliseconds of the newest 50 jobs of each kind of list, and of the looks for an unknown word."""
    queries = {text or "(all)": parse_query(text) for text in QUERIES}
    queries["unfinished or of the last hour"] = Query(unfinished_or_since_seconds=3600)
    found = {name: median_ms(partial(store.page, query, before=None, limit=50)) for name, query in queries.items()}
    looks = looks_for(store, parse_query("nn"))
    return {**found, UNKNOWN: statistics.median(looks), ALL_LOOKS: sum(looks)}


def looks_for(store: SqliteStore, query: Query) -> list[float]:
    """Return the milliseconds of each look until all jobs were looked at."""
    looks, before = list[float](), None
    while not looks or before is not None:
        began = time.perf_counter()
        before = store.page(query, before=before, limit=50).before
        looks.append((time.perf_counter() - began) * 1000)
    return looks


def measure_pages(directory: Path, finished: int) -> None:
    store = SqliteStore(kept(directory / "finished", finished))
    print(f"\nwith {finished:,} finished jobs, the newest 50 of")
    for name, milliseconds in pages(store).items():
        print(f"{name:32}{milliseconds:10.2f} ms")
    print(f"{'stats':32}{median_ms(store.stats, 3):10.2f} ms")
    view = ViewFile(store, directory / "jobs.json")
    print(f"{'jobs.json, first':32}{median_ms(view.write, 1):10.2f} ms")
    print(f"{'jobs.json, later':32}{median_ms(view.write, 5):10.2f} ms")
    store.close()
    print(f"{'open, newest 50, close':32}{median_ms(lambda: open_and_read(store.path)):10.2f} ms")


def open_and_read(path: Path) -> None:
    store = SqliteStore(path)
    store.page(Query(), before=None, limit=50)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--directory", type=Path, help="where to measure (default: a temporary directory)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="outlast-bench-") as name:
        measure_commits(Path(name), options.rounds)
        print(f"{'submit of 10,000 in one call':32}{many(Path(name)):10,.0f} jobs/s  (least 100,000)")
        measure_pages(Path(name), options.finished)


if __name__ == "__main__":
    main()
