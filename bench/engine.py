"""What the engine costs, beside the bare disk in the same run: `python -m bench.engine [--rounds N] [--json]`.

Every round measures every row once; the table shows medians, and ratios of figures of the same round.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import apsw

from bench import engine_jobs
from bench.waiting import children, cpu_seconds
from outlast.app import open_service
from outlast.backends import ServiceBackend
from outlast.client import Outlast
from outlast.service import Service
from outlast.settings import load_settings

Row = tuple[str, float, str]
COMMITS = STEPS = SUBMITS = 2_000
LATENCIES = 300
WAL_BYTES = 16_000_000
SETTLE_SECONDS, IDLE_SECONDS = 7.0, 10.0
"""After so long everything is published and in order; for so long idleness is measured."""


class Shop:
    """One data directory with so many job processes at once, and the library on it."""

    def __init__(self, root: Path, at_once: int = 2) -> None:
        flags = {"JOBS_DATA_DIR": str(root), "OUTLAST_CONCURRENCY": str(at_once), "OUTLAST_GRACE": "1s"}
        settings = load_settings(flags)
        self.root = root
        self.service: Service = open_service(settings, client="library")
        self.outlast = Outlast(backend=ServiceBackend(self.service))
        for handle in [self.outlast.submit(engine_jobs.noop) for _ in range(4)]:
            handle.result(30)

    def process(self, job_id: str) -> int:
        """Return the pid of the process that runs a job."""
        process = self.service.details(self.service.get(job_id)).process
        return process.pid if process else 0

    def supervisor(self) -> int:
        """Return the supervisor's pid."""
        identity = self.service.store.supervisor()
        return identity.pid if identity else 0

    def close(self) -> None:
        """Let the supervisor leave, and wait until it has."""
        if supervisor := self.supervisor():
            os.kill(supervisor, signal.SIGTERM)
            while Path(f"/proc/{supervisor}/exe").exists():
                self.service._doorbell.wait(0.05)
        self.outlast.close()


def bare_commits(shop: Shop) -> list[Row]:
    """One row of 200 bytes a commit, WAL and FULL, in a file that grows: as where there is no supervisor."""
    return _bare(shop, wal_bytes=0)


def bare_commits_over(shop: Shop) -> list[Row]:
    """The same in a WAL that was written before and is overwritten: as a supervisor has it."""
    return _bare(shop, wal_bytes=WAL_BYTES)


def _bare(shop: Shop, wal_bytes: int) -> list[Row]:
    path = shop.root / f"bare-{time.monotonic_ns()}.db"
    database = apsw.Connection(str(path))
    for pragma in ("journal_mode=wal", "synchronous=off", "wal_autocheckpoint=4000"):
        database.execute(f"pragma {pragma}").fetchall()
    database.execute("create table rows(id integer primary key, text text)")
    insert, row = "insert into rows(text) values(?)", ("x" * 200,)
    while os.stat(f"{path}-wal").st_size < wal_bytes:
        database.execute(insert, row)
    for pragma in ("synchronous=full", "wal_checkpoint(restart)"):
        database.execute(f"pragma {pragma}").fetchall()
    began = time.perf_counter()
    for _ in range(COMMITS):
        database.execute(insert, row)
    rate = COMMITS / (time.perf_counter() - began)
    database.close()
    return [("bare commits", rate, "/s")]


def steps(shop: Shop) -> list[Row]:
    """Durable steps in one job, each kept before the next."""
    return [("steps, one job", float(shop.outlast.submit(engine_jobs.many_steps, STEPS).result(120)), "/s")]


def steps_at_once(shop: Shop) -> list[Row]:
    """Durable steps in eight jobs at once."""
    wide = Shop(Path(tempfile.mkdtemp(dir=shop.root)), at_once=8)
    for handle in [wide.outlast.submit(engine_jobs.wait_a_moment) for _ in range(8)]:
        handle.result(60)
    began = time.perf_counter()
    for handle in [wide.outlast.submit(engine_jobs.many_steps, STEPS) for _ in range(8)]:
        handle.result(120)
    rate = 8 * STEPS / (time.perf_counter() - began)
    wide.close()
    return [("steps, eight jobs at once", rate, "/s")]


def checkpoints(shop: Shop) -> list[Row]:
    """Checkpoints in a hot loop, none of them due."""
    return [
        ("checkpoint, nothing due", float(shop.outlast.submit(engine_jobs.many_checkpoints, 20_000).result(60)), "µs")
    ]


def enqueue(shop: Shop) -> list[Row]:
    """Submit one by one with a key and 200 bytes of arguments, to the store alone: no supervisor, and no jobs.json."""
    fresh = tempfile.mkdtemp(dir=shop.root)
    settings = load_settings({"JOBS_DATA_DIR": fresh, "OUTLAST_AUTOSTART": "0"})
    store = open_service(settings, client="library").store
    outlast = Outlast(backend=ServiceBackend(_Silent.service(settings)))
    store.close()
    began = time.perf_counter()
    for number in range(SUBMITS):
        outlast.submit(engine_jobs.takes, "x" * 200, key=f"key {number}")
    rate = SUBMITS / (time.perf_counter() - began)
    began = time.perf_counter()
    outlast.submit_many(engine_jobs.noop, [()] * 10_000)
    bulk = 10_000 / (time.perf_counter() - began)
    outlast.close()
    return [("enqueue one by one", rate, "/s"), ("submit_many of 10,000", bulk, "/s")]


class _Silent:
    """A service whose changes are not published: the price of the store alone."""

    @staticmethod
    def service(settings: object) -> Service:
        from outlast.settings import Settings

        assert isinstance(settings, Settings)
        service = open_service(settings, client="library")
        service._publish = lambda: None
        return service


def end_to_end(shop: Shop) -> list[Row]:
    """Submit no-op jobs one by one while two processes run them; until the last has ended."""
    began = time.perf_counter()
    handles = [shop.outlast.submit(engine_jobs.noop) for _ in range(SUBMITS)]
    submitted = SUBMITS / (time.perf_counter() - began)
    for handle in handles[-4:]:
        handle.result(120)
    return [("end to end", SUBMITS / (time.perf_counter() - began), "/s"), ("enqueue while running", submitted, "/s")]


def latency(shop: Shop) -> list[Row]:
    """Submit one no-op job, wait for its result, again."""
    times = []
    for _ in range(LATENCIES):
        began = time.perf_counter()
        shop.outlast.submit(engine_jobs.noop).result(30)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return [("latency p50", times[len(times) // 2], "ms"), ("latency p99", times[int(len(times) * 0.99)], "ms")]


def _spinning(shop: Shop, attempt: int, path: Path) -> float:
    """Wait until the attempt runs; return when it began."""
    while True:
        lines = path.read_text().splitlines() if path.exists() else []
        for line in lines:
            number, _, began = line.split()
            if int(number) >= attempt:
                return float(began)
        shop.service._doorbell.wait(0.01)


def cancel(shop: Shop) -> list[Row]:
    """Ask for the end of a job, until it is `cancelled` (its process proven dead)."""
    rows = []
    kinds = {"a CPU loop": engine_jobs.spin, "a job that sleeps": engine_jobs.nap}
    kinds |= {"a job that looks": engine_jobs.heed, "one held in C": engine_jobs.hold}
    for name, fn in kinds.items():
        path = shop.root / f"spin-{time.monotonic_ns()}"
        handle = shop.outlast.submit(fn, str(path))
        _spinning(shop, 1, path)
        began = time.perf_counter()
        handle.cancel()
        handle.wait(30)
        grace = ", grace 1 s" if fn is engine_jobs.hold else ""
        rows.append((f"cancel of {name}{grace}", (time.perf_counter() - began) * 1000, "ms"))
    return rows


def recovery(shop: Shop) -> list[Row]:
    """Kill the job process; then job process and supervisor: until the job runs again."""
    path = shop.root / f"spin-{time.monotonic_ns()}"
    handle = shop.outlast.submit(engine_jobs.spin, str(path))
    _spinning(shop, 1, path)
    killed = time.monotonic()
    os.kill(shop.process(handle.id), signal.SIGKILL)
    alone = _spinning(shop, 2, path) - killed
    os.kill(shop.supervisor(), signal.SIGKILL)
    os.kill(shop.process(handle.id), signal.SIGKILL)
    restarted = time.monotonic()
    shop.service._doorbell.ring()
    both = _spinning(shop, 3, path) - restarted
    handle.cancel()
    handle.wait(30)
    return [("kill -9 of a job process → runs again", alone * 1000, "ms"), ("… and supervisor", both * 1000, "ms")]


def memory(shop: Shop) -> list[Row]:
    """The memory of supervisor and job process, both idle, in a store that has done nothing else yet."""
    fresh = Shop(Path(tempfile.mkdtemp(dir=shop.root)))
    supervisor = fresh.supervisor()
    rows = [
        ("idle supervisor", _megabytes(supervisor), "MB"),
        ("idle job process", _megabytes(children(supervisor)[0]), "MB"),
    ]
    fresh.close()
    return rows


def idle(shop: Shop) -> list[Row]:
    """Processor time and writes of a supervisor that has nothing to do."""
    supervisor = shop.supervisor()
    time.sleep(SETTLE_SECONDS)
    cpu, written = cpu_seconds(supervisor), _bytes_written(supervisor)
    time.sleep(IDLE_SECONDS)
    share = (cpu_seconds(supervisor) - cpu) / IDLE_SECONDS
    written = _bytes_written(supervisor) - written
    return [("idle supervisor's share of a core", share * 100, "%"), ("idle supervisor's writes", written, "B")]


def _megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _bytes_written(pid: int) -> float:
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return float(fields["wchar"])


PARTS: tuple[Callable[[Shop], list[Row]], ...] = (
    bare_commits,
    steps,
    steps_at_once,
    checkpoints,
    enqueue,
    end_to_end,
    latency,
    cancel,
    recovery,
    memory,
    idle,
)


def measured(place: Path, parts: Sequence[Callable[[Shop], list[Row]]]) -> dict[str, float]:
    """Return the figures of some parts, measured once in a data directory of their own."""
    with closing(Shop(Path(tempfile.mkdtemp(dir=place)))) as shop:
        return {name: value for part in parts for name, value, _ in part(shop)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, list[float]] = defaultdict(list)
    ratios: dict[str, list[float]] = defaultdict(list)
    units = {}
    with tempfile.TemporaryDirectory(prefix="outlast-bench-") as place:
        shop = Shop(Path(place))
        for _ in range(options.rounds):
            bare = 0.0
            for part in PARTS:
                for name, value, unit in part(shop):
                    bare = value if name == "bare commits" else bare
                    figures[name].append(value)
                    units[name] = unit
                    if unit == "/s":
                        ratios[name].append(value / bare)
        shop.close()
    rows = [
        {
            "what": name,
            "median": round(statistics.median(values), 2),
            "unit": units[name],
            "ratio_to_bare": round(statistics.median(ratios[name]), 2) if ratios[name] else None,
        }
        for name, values in figures.items()
    ]
    if options.json:
        json.dump(rows, sys.stdout)
        return
    for row in rows:
        ratio = f"{row['ratio_to_bare']:.2f} × bare" if row["ratio_to_bare"] else ""
        print(f"{row['what']:42} {row['median']:>12,.1f} {row['unit']:3} {ratio}")


if __name__ == "__main__":
    main()
