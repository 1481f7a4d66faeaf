"""How fast a proof of work is searched: `python -m bench.pow [--rounds N] [--json]`.

Every round measures every row once, one after another, because a shared machine changes its speed from one second to
the next: read the ratios, which are of figures of the same round, and their medians. Hashes are counted by CPU time,
except where processes are compared, and starts by the clock.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench.waiting import cpu_seconds
from outlast.pow.searching.crew import Crew
from outlast.pow.searching.kernel.processor import suitable
from outlast.pow.searching.search import Searcher, limit, open_searcher
from outlast.pow.searching.team import Team

PREFIX = b"5-12345BUILD9876543NONCE"
START = 10**9
NEVER = limit(16)
SAMPLE = 300_000
LARGE_SAMPLE = 20_000_000
CREW_SECONDS, CREW_TURNS = 1.0, 5
TURNS = 5
"""So often one core is measured in a round: a moment is too short to be fair to all."""

NODE = """
const crypto = require('crypto');
const search = (from, to) => {
  let hits = 0;
  for (let nonce = from; nonce < to; nonce++) {
    const hash = crypto.createHash('sha256').update(`PREFIX${nonce}`).digest('hex');
    if (hash.startsWith('0000000')) hits++;
  }
  return hits;
};
search(START, START + 30000);
const before = process.cpuUsage();
search(START, START + SAMPLE);
const used = process.cpuUsage(before);
console.log(SAMPLE / (used.user + used.system));
"""

FRESH = """
import sys, time
began = time.perf_counter()
from outlast.pow.searching.search import limit, open_searcher
searcher = open_searcher(b"PREFIX")
at = START
searcher.first_below(at, at + 1, limit(16))
first = time.perf_counter() - began
while searcher.name == "hashlib":
    at += 1_000
    searcher.first_below(at, at + 1_000, limit(16))
print(first, time.perf_counter() - began)
searcher.close()
"""

Rows = dict[str, float]


def naive_loop(nonces: int) -> None:
    """What one writes first."""
    prefix = PREFIX.decode()
    for nonce in range(START, START + nonces):
        if hashlib.sha256(f"{prefix}{nonce}".encode()).hexdigest().startswith("0000000"):
            pass


def copying_loop(nonces: int) -> None:
    """The best plain loop."""
    copy = hashlib.sha256(PREFIX).copy
    for nonce in range(START, START + nonces):
        state = copy()
        state.update(b"%d" % nonce)
        if state.digest() < NEVER:
            pass


def rate(search: Callable[[int], object], nonces: int) -> float:
    """Return millions of nonces per second of CPU time."""
    began = time.process_time()
    search(nonces)
    return nonces / (time.process_time() - began) / 1e6


def searching(searcher: Searcher) -> Callable[[int], object]:
    return lambda nonces: searcher.first_below(START, START + nonces, NEVER)


def one_core(searchers: dict[str, Searcher]) -> Rows:
    rows = {
        "naive loop": rate(naive_loop, SAMPLE),
        "loop with a copied prefix": rate(copying_loop, SAMPLE),
        "our hashlib path": rate(searching(searchers["hashlib"]), SAMPLE),
        "compiled": rate(searching(searchers["llvm"]), LARGE_SAMPLE),
    }
    if shutil.which("node"):
        program = NODE.replace("PREFIX", PREFIX.decode()).replace("START", f"{START}").replace("SAMPLE", f"{SAMPLE}")
        rows["Node createHash"] = float(subprocess.check_output(["node", "-e", program]))
    return rows


def crews() -> Rows:
    """Whole crews in turn, medians: by the clock, and as if each process had a core of its own."""
    turns = [crews_once() for _ in range(CREW_TURNS)]
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def crews_once() -> Rows:
    """Both crews once they are up to speed."""
    rows = {}
    for processes in (1, 2):
        with Crew(PREFIX, processes=processes, start=START) as crew:
            crew.work(1, 10**15, NEVER)
            before, used, began = crew.tried, cpu_of(crew), time.perf_counter()
            crew.work(CREW_SECONDS, 10**15, NEVER)
            millions = (crew.tried - before) / 1e6
            rows[f"crew of {processes}"] = millions / (time.perf_counter() - began)
            rows[f"crew of {processes}, a core each"] = processes * millions / (cpu_of(crew) - used)
    return rows


def cpu_of(crew: Crew) -> float:
    """Return the CPU seconds of all who search."""
    hands = crew._hands
    return time.process_time() + (sum(map(cpu_seconds, hands.pids)) if isinstance(hands, Team) else 0.0)


def starts(cache: str) -> Rows:
    """Milliseconds in a fresh process until the first nonce is tried, and until the first kernel works."""
    with tempfile.TemporaryDirectory() as empty:
        compiled = fresh(empty)
    kept = fresh(cache)
    return {"first hash": kept[0], "kernel, kept": kept[1], "kernel, compiled": compiled[1]}


def fresh(cache: str) -> list[float]:
    program = FRESH.replace("PREFIX", PREFIX.decode()).replace("START", f"{START}")
    printed = subprocess.check_output([sys.executable, "-c", program], env={**os.environ, "XDG_CACHE_HOME": cache})
    return [float(word) * 1000 for word in printed.split()]


RATIOS = (
    ("our hashlib path", "loop with a copied prefix", 0.9),
    ("compiled", "our hashlib path", 30),
    ("compiled", "Node createHash", 60),
    ("crew of 2", "crew of 1", 1.9),
    ("crew of 2, a core each", "crew of 1, a core each", 1.9),
)


def ready_searchers() -> dict[str, Searcher]:
    """Return both searchers once they are up to speed."""
    searchers = {choice: open_searcher(PREFIX, choice) for choice in ("hashlib", "llvm")}
    searching(searchers["llvm"])(LARGE_SAMPLE)
    return searchers


def measured(cache: Path) -> Rows:
    """Return the figures of one round; what is compiled is kept in `cache`."""
    fresh(f"{cache}")
    first, kept = fresh(f"{cache}")
    searchers = ready_searchers()
    turns = [one_core(searchers) for _ in range(TURNS)]
    middle = {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
    return {**middle, **crews(), "first hash": first, "kernel, kept": kept}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, list[float]] = defaultdict(list)
    searchers = ready_searchers()
    with tempfile.TemporaryDirectory() as cache:
        fresh(cache)
        for _ in range(options.rounds):
            for name, value in {**one_core(searchers), **crews(), **starts(cache)}.items():
                found[name].append(value)
    report(found, as_json=options.json)


def report(found: dict[str, list[float]], *, as_json: bool) -> None:
    medians = {name: statistics.median(values) for name, values in found.items()}
    ratios = {
        f"{one} / {other}": (statistics.median(a / b for a, b in zip(found[one], found[other], strict=True)), least)
        for one, other, least in RATIOS
        if one in found and other in found
    }
    if as_json:
        print(json.dumps({"medians": medians, "ratios": {name: ratio for name, (ratio, _) in ratios.items()}}))
        return
    print(f"processor: {suitable()[0]}")
    for name, median in medians.items():
        unit = "ms" if name in ("first hash", "kernel, kept", "kernel, compiled") else "million/s"
        print(f"{name:28}{median:10.2f} {unit}")
    for name, (ratio, least) in ratios.items():
        print(f"{name:48}{ratio:8.2f}  (least {least})")


if __name__ == "__main__":
    main()
