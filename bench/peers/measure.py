"""One part of one subject: `python -m bench.peers.measure NAME PART`. Prints what it measured as a line of JSON.

about    what it is and how it is set
probe    appends of 4 KiB with fdatasync, in the same minute
enqueue  no-op jobs submitted one by one while nobody works, a second
steps    what comes nearest to durable steps in one job, a second
work     overall: no-op jobs submitted one by one and run by two workers, until the last has run, a second;
         p50 and p99: from submit to result, one job at a time, all warm, in ms
flushes  of the disk for each job of `enqueue`; with FI_COUNT preloaded (see suite.py)
"""

import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.peers import ground
from bench.peers.servers import Missing
from bench.peers.subject import Subject

ENQUEUED, OVERALL, STEPS, LATENCIES, WARM = 2_000, 1_000, 500, 200, 20
LEAST_FOR_P99 = 100
MOST_SECONDS = 6.0
"""A slow one is measured with fewer jobs."""


def opened(name: str, place: Path) -> Subject:
    """Return a subject with an empty store."""
    directory = Path(tempfile.mkdtemp(dir=place))
    os.environ["PEER_PLACE"] = str(directory)
    subject: Subject = importlib.import_module(f"bench.peers.{name}_peer").Peer()
    subject.open(directory)
    return subject


def about(name: str, place: Path) -> dict[str, str]:
    """Say what it is and how it is set."""
    os.environ["PEER_PLACE"] = str(place)
    subject: Subject = importlib.import_module(f"bench.peers.{name}_peer").Peer()
    return {"title": subject.title(), "durable": subject.durable, "steps_are": subject.steps_are}


def probe(name: str, place: Path) -> dict[str, float]:
    """Return how fast the disk is just now."""
    descriptor = os.open(place / "probe", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 0.3:
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
        count += 1
    os.close(descriptor)
    return {"probe": count / (time.perf_counter() - began)}


def _submit(subject: Subject, count: int) -> tuple[int, float]:
    """Submit so many jobs, or fewer if it takes long; return how many, and how long it took."""
    began, made = time.perf_counter(), 0
    while made < count and time.perf_counter() - began < MOST_SECONDS:
        subject.submit()
        made += 1
    return made, time.perf_counter() - began


def enqueue(name: str, place: Path) -> dict[str, float]:
    """Submit while nobody works."""
    subject = opened(name, place)
    try:
        subject.stand_by()
        _submit(subject, WARM)
        made, seconds = _submit(subject, ENQUEUED)
    finally:
        subject.close()
    return {"enqueue": made / seconds}


def steps(name: str, place: Path) -> dict[str, float]:
    """Keep steps in one job."""
    subject = opened(name, place)
    try:
        return {"steps": subject.steps(STEPS)} if subject.steps_are else {}
    finally:
        subject.close()


def work(name: str, place: Path) -> dict[str, float]:
    """Submit and run."""
    subject = opened(name, place)
    try:
        subject.work()
        _submit(subject, WARM)
        if not ground.wait_until(lambda: ground.ticks() >= WARM, 60):
            raise RuntimeError(f"{name}: its workers run nothing: {(ground.place() / 'said').read_text()[-2000:]}")
        latencies = _latencies(subject)
        seen, began = ground.ticks(), time.perf_counter()
        made, _ = _submit(subject, OVERALL)
        ground.wait_until(lambda: ground.ticks() >= seen + made, 10 * MOST_SECONDS)
        overall = (ground.ticks() - seen) / (time.perf_counter() - began)
    finally:
        subject.close()
    found = {"overall": overall, "p50": latencies[len(latencies) // 2]}
    return found | ({"p99": latencies[len(latencies) * 99 // 100]} if len(latencies) >= LEAST_FOR_P99 else {})


def _latencies(subject: Subject) -> list[float]:
    """Return the milliseconds of one job after another, sorted."""
    until, found = time.perf_counter() + MOST_SECONDS, list[float]()
    while len(found) < LATENCIES and time.perf_counter() < until:
        found.append(_latency(subject))
    return sorted(found)


def _latency(subject: Subject) -> float:
    began = time.perf_counter()
    subject.result(subject.submit())
    return (time.perf_counter() - began) * 1000


def flushes(name: str, place: Path) -> dict[str, float]:
    """Count the flushes of the client and of its server while jobs are submitted."""
    subject = opened(name, place)
    counter = Path(os.environ["FI_COUNT"])
    try:
        subject.stand_by()
        _submit(subject, WARM)
        before = _counted(counter)
        made, _ = _submit(subject, 100)
        return {"flushes": (_counted(counter) - before) / made}
    finally:
        subject.close()


def _counted(counter: Path) -> int:
    return int.from_bytes(counter.read_bytes()[:8], "little")


PARTS: dict[str, Callable[[str, Path], Mapping[str, object]]] = {
    "about": about,
    "probe": probe,
    "enqueue": enqueue,
    "steps": steps,
    "work": work,
    "flushes": flushes,
}


def main() -> None:
    name, part = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="outlast-bench-", ignore_cleanup_errors=True) as place:
        try:
            found: dict[str, object] = dict(PARTS[part](name, Path(place)))
        except Missing as error:
            found = {"missing": str(error)}
    print(json.dumps(found), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
