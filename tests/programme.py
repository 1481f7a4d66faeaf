"""The torture programme: runs the trials one by one and tells in one table how far each went.

    ./run torture quick                      every trial in its quick size
    ./run torture full T1 T3                 two of them, in full
    ./run torture full T1 --seed 7           the same choices again
    ./run torture quick --markdown FILE      the table as Markdown too

TORTURE_… variables that are set win over the sizes of `tests/trials.py`. Exit code 1: a trial failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.figures import REACHED, RECORD_VARIABLE, SEED_VARIABLE
from tests.trials import ELSEWHERE, TRIALS, Size, Trial

ROOT = Path(__file__).resolve().parent.parent
SIZES = ("quick", "full")
MOST_SECONDS = 7200
"""One test of a full size may take so long."""
COLUMNS = ("test", "what", "reached", "seed", "planted faults caught", "seconds", "verdict")
NOTHING = "–"


@dataclass(slots=True)
class Outcome:
    """What came of one trial."""

    trial: Trial
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    seeds: set[str] = field(default_factory=set)
    planted: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    broken: str = ""
    """Why no verdict of a test says so: pytest itself failed."""

    def add(self, line: str) -> None:
        """Take in one line of the record."""
        told = json.loads(line)
        properties: list[tuple[str, object]] = told["properties"]
        if told["outcome"] == "failed":
            self.failed.append(told["test"])
        elif told["outcome"] == "skipped":
            self.skipped += 1
        else:
            self.passed += 1
        for name, value in properties:
            if name.startswith(REACHED):
                self.reached[name.removeprefix(REACHED)] += int(str(value))
            elif name == "seed":
                self.seeds.add(str(value))
            elif name == "planted":
                self.planted[told["outcome"]] += 1

    @property
    def verdict(self) -> str:
        if self.failed or self.broken:
            return "FAILED"
        return "passed" if self.passed else "skipped"

    def cells(self) -> tuple[str, ...]:
        """Return the trial's row of the table."""
        reached = [f"{count:,} {what}" for what, count in self.reached.items()]
        tests = f"{self.passed} tests" + (f", {self.skipped} skipped" if self.skipped else "")
        caught = self.planted["passed"]
        return (
            self.trial.name,
            self.trial.what,
            ", ".join([*reached, tests]),
            " ".join(sorted(self.seeds)) or NOTHING,
            f"{caught} of {self.planted['passed'] + self.planted['failed']}" if self.planted else NOTHING,
            f"{self.seconds:.0f}",
            self.verdict,
        )


def run_trial(trial: Trial, size: Size, seed: str | None) -> Outcome:
    """Run the tests of a trial as often as its size says; print what failed."""
    outcome, began = Outcome(trial), time.monotonic()
    environment = {**size.variables, **os.environ, **({SEED_VARIABLE: seed} if seed else {})}
    for number in range(size.rounds):
        with tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") as record:
            command = [sys.executable, "-m", "pytest", f"--timeout={MOST_SECONDS}", *_parallel(trial), *trial.tests]
            done = subprocess.run(
                command,
                env={**environment, RECORD_VARIABLE: record.name},
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            for line in record:
                outcome.add(line)
        if done.returncode:
            _say(done.stdout.decode(errors="replace").rstrip())
            outcome.broken = "" if outcome.failed else f"pytest ended with {done.returncode}"
            break
        if size.rounds > 1:
            _say(f"  {trial.name}: round {number + 1} of {size.rounds}, {time.monotonic() - began:.0f} s")
    outcome.seconds = time.monotonic() - began
    return outcome


def _parallel(trial: Trial) -> list[str]:
    return ["-n", str(trial.processes), "--dist", "loadfile"] if trial.processes > 1 else []


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows with a headline, in columns."""
    lines = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as a table of Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run torture", description="Run the torture programme.")
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("trials", nargs="*", metavar="T", help="which trials, by name; all without one")
    parser.add_argument("--seed", help="make the same random choices again")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown too")
    parsed = parser.parse_args(arguments)
    known = [trial.name for trial in TRIALS]
    for name in parsed.trials:
        if name not in known:
            parser.error(f"{name}: {ELSEWHERE.get(name, 'there is no such trial')}; there are {' '.join(known)}")
    return parsed


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments say; print the table; return the exit code."""
    parsed = _parsed(arguments)
    outcomes = []
    for trial in TRIALS:
        if parsed.trials and trial.name not in parsed.trials:
            continue
        size: Size = getattr(trial, parsed.size)
        needs = " (needs root; it will be skipped)" if trial.root and os.getuid() else ""
        _say(f"{trial.name}: {trial.what}{needs} ...")
        outcomes.append(run_trial(trial, size, parsed.seed))
        _say(f"{trial.name}: {', '.join(outcomes[-1].cells()[2:])} {outcomes[-1].broken}".rstrip())
    rows = [outcome.cells() for outcome in outcomes]
    _say("\n" + text_table(rows))
    if not parsed.trials:
        _say("\nElsewhere: " + "; ".join(f"{name}: {why}" for name, why in ELSEWHERE.items()) + ".")
    if parsed.markdown:
        parsed.markdown.write_text(markdown_table(rows), encoding="utf-8")
    return 1 if any(outcome.verdict == "FAILED" for outcome in outcomes) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
