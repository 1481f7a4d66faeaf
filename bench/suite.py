"""Outlast beside its peers, the same work in the same run: `./run bench [--rounds N] [--only NAME,…] [--write]`,
and whether it is as fast as it sets out to be: `./run bench --targets [--rounds N] [--only PART,…]`.

Every round measures every subject once, one after the other, so that a slow minute of the machine strikes all alike;
the table shows medians. `--write` renews docs/benchmarks.md and its chart, with the targets of the run that
`--targets-json` names, or else measures them too. Peers live in an environment of their own,
made of bench/peers/requirements.txt.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import targets
from bench.apart import PEERS, ROOT, prepare, run, say
from bench.report import chart, page, strikes, table
from tests.faults.faultio import build

NAMES = ("outlast", *PEERS)
STRUCK = ("outlast", "dbos", "huey", "rq", "celery", "procrastinate")
PARTS = ("probe", "enqueue", "steps", "work")


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


def measure(subjects: list[Measured], rounds: int) -> None:
    """Measure everybody, round by round."""
    for number in range(rounds):
        for subject in subjects:
            say(f"round {number + 1} of {rounds}: {subject.name}")
            for part in PARTS:
                found = run(subject.name, "bench.peers.measure", part)
                subject.missing = found.pop("missing", "") or found.pop("failed", "") or subject.missing
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


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=100, help="random kills of each that is struck (0: none)")
    parser.add_argument("--only", default="", help=f"of {','.join(NAMES)}; with --targets: parts of their text")
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    parser.add_argument("--json", metavar="FILE", type=Path, help="keep the figures of every round")
    parser.add_argument("--targets", action="store_true", help="measure only what must be reached, and say if it is")
    parser.add_argument("--targets-json", metavar="FILE", type=Path, help="--write: what --targets --json has kept")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    if chosen.targets:
        sys.exit(targets.report(targets.measured(chosen.rounds, chosen.only), chosen.json))
    kept = json.loads(chosen.targets_json.read_text()) if chosen.targets_json else None
    subjects = compared(chosen)
    print(table(subjects))
    if any(subject.strikes for subject in subjects):
        print(f"\n{strikes(subjects)}")
    if chosen.json:
        keys = ("name", "about", "figures", "flushes", "missing", "strikes")
        chosen.json.write_text(json.dumps([{key: getattr(each, key) for key in keys} for each in subjects]))
    if chosen.write:
        write(subjects, chosen, kept or targets.as_json(targets.measured(chosen.rounds)))


def compared(chosen: argparse.Namespace) -> list[Measured]:
    """Measure the chosen subjects."""
    prepare()
    subjects = [Measured(name) for name in (chosen.only or ",".join(NAMES)).split(",")]
    for subject in subjects:
        subject.about = run(subject.name, "bench.peers.measure", "about")
    measure(subjects, chosen.rounds)
    count_flushes(subjects)
    strike(subjects, chosen.kills)
    return subjects


def write(subjects: list[Measured], chosen: argparse.Namespace, reached: dict[str, Any]) -> None:
    """Renew the page and its chart."""
    (ROOT / "docs" / "benchmarks.md").write_text(page(subjects, chosen.rounds, chosen.kills, reached))
    (ROOT / "docs" / "benchmarks.svg").write_text(chart(subjects))


if __name__ == "__main__":
    main()
