"""Outlast beside its peers, the same work in the same run: `./run bench [--rounds N] [--only NAME,…] [--write]`.

Every round measures every subject once, one after the other, so that a slow minute of the machine strikes all alike;
the table shows medians. `--write` renews docs/benchmarks.md and its chart. Peers live in an environment of their own,
made of bench/peers/requirements.txt.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.report import chart, page, strikes, table
from tests.faults.faultio import build

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".bench" / "venv"
REQUIREMENTS = ROOT / "bench" / "peers" / "requirements.txt"
NAMES = ("outlast", "huey", "dbos", "persistqueue", "procrastinate", "rq", "celery", "dramatiq")
STRUCK = ("outlast", "dbos", "huey", "rq", "celery", "procrastinate")
PARTS = ("probe", "enqueue", "steps", "work")
LONGEST_SECONDS = 300


@dataclass(slots=True)
class Measured:
    """What was found of one subject: figures of every round, and what it says of itself."""

    name: str
    about: dict[str, str] = field(default_factory=dict)
    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    flushes: float | None = None
    missing: str = ""
    strikes: dict[str, Any] | None = None

    def median(self, figure: str) -> float | None:
        """Return the median of a figure over the rounds."""
        values = self.figures.get(figure)
        return statistics.median(values) if values else None


def interpreter(name: str) -> str:
    """Return the interpreter that has this subject."""
    return sys.executable if name == "outlast" else str(ENVIRONMENT / "bin" / "python")


def prepare() -> None:
    """Make the environment of the peers, or let it be if it is as it should be."""
    marker = ENVIRONMENT / ".made-of"
    wanted = REQUIREMENTS.read_text()
    if marker.exists() and marker.read_text() == wanted:
        return
    say("installing the peers ...")
    uv = os.environ.get("UV", "uv")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(ENVIRONMENT)], check=True)
    python = str(ENVIRONMENT / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "-r", str(REQUIREMENTS)], check=True)
    marker.write_text(wanted)


def say(line: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(line + "\n")


def run(name: str, module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run one measurement in a process of its own; return what it printed."""
    try:
        done = subprocess.run(
            [interpreter(name), "-m", module, name, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"took longer than {LONGEST_SECONDS} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"missing": (done.stderr.strip().splitlines() or ["it said nothing"])[-1]}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def measure(subjects: list[Measured], rounds: int) -> None:
    """Measure everybody, round by round."""
    for number in range(rounds):
        for subject in subjects:
            say(f"round {number + 1} of {rounds}: {subject.name}")
            for part in PARTS:
                found = run(subject.name, "bench.peers.measure", part)
                subject.missing = found.pop("missing", subject.missing)
                for figure, value in found.items():
                    subject.figures[figure].append(value)


def count_flushes(subjects: list[Measured]) -> None:
    """Count the flushes of every accepted job, by a library that is loaded before the C library."""
    with tempfile.TemporaryDirectory() as place:
        library = build(Path(place))
        for subject in subjects:
            counter = Path(place) / f"{subject.name}.count"
            counting = {"FI_OPS": "fsync", "FI_NTH": "0", "FI_COUNT": str(counter), "LD_PRELOAD": str(library)}
            if library is not None:
                subject.flushes = run(subject.name, "bench.peers.measure", "flushes", **counting).get("flushes")


def strike(subjects: list[Measured], kills: int) -> None:
    """Let the same kills come over everybody who keeps jobs for other processes."""
    for subject in subjects:
        if kills and subject.name in STRUCK:
            say(f"{kills} kills: {subject.name}")
            subject.strikes = run(subject.name, "bench.peers.strike", "--kills", str(kills))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=100, help="random kills of each that is struck (0: none)")
    parser.add_argument("--only", default=",".join(NAMES), help=f"of {','.join(NAMES)}")
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    parser.add_argument("--json", metavar="FILE", help="keep the figures of every round")
    options = parser.parse_args()
    prepare()
    subjects = [Measured(name) for name in options.only.split(",")]
    for subject in subjects:
        subject.about = run(subject.name, "bench.peers.measure", "about")
    measure(subjects, options.rounds)
    count_flushes(subjects)
    strike(subjects, options.kills)
    print(table(subjects))
    if any(subject.strikes for subject in subjects):
        print(f"\n{strikes(subjects)}")
    if options.json:
        keys = ("name", "about", "figures", "flushes", "missing", "strikes")
        Path(options.json).write_text(json.dumps([{key: getattr(each, key) for key in keys} for each in subjects]))
    if options.write:
        (ROOT / "docs" / "benchmarks.md").write_text(page(subjects, options.rounds, options.kills))
        (ROOT / "docs" / "benchmarks.svg").write_text(chart(subjects))


if __name__ == "__main__":
    main()
