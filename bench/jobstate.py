"""What a completion costs, against a bare append and flush on the same disk at the same time.

    python -m bench.jobstate [--rounds 40] [--directory DIR]

The bare one and ours are measured in small blocks in turn, because a shared disk changes its speed from one second to
the next: read the ratios, not the rates.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from outlast.jobstate import Checklist, JobState

BLOCK = 60
WARM = 250
RECORD = b"\n%b\n" % (b"r" * 150)
STARTS = 25
LONG = 10_000
THREADS = 8
BARE, FEW, MANY = "bare append + fdatasync", "complete, 20 activities", f"complete, {LONG:,} activities"
LEAST = {FEW: 0.7}
"""The ratios to the bare one that are promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is measured: `act` does it so many times and returns the seconds, without what belongs to no completion."""

    name: str
    act: Callable[[int], float]


class Completions:
    """A bare append, and completions in checklists of two sizes."""

    def __init__(self, directory: Path) -> None:
        self.state = JobState(dir=directory / "job-state")
        self._bare = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._few, self._many, self._blocks = self._of(20), self._of(LONG), self._of(20)
        self._next_account = count()

    def _of(self, size: int) -> Iterator[tuple[Checklist, str]]:
        """Yield activities to complete, in checklists of this size, one after the other."""
        names = [f"activity-{number}" for number in range(size)]
        for number in count():
            checklist = self.state.open(f"{size}-{next(self._next_account)}", "daily-set", names)
            yield from ((checklist, name) for name in names)
            del checklist, number

    def subjects(self) -> list[Subject]:
        return [
            Subject(name=BARE, act=self._bare_appends),
            Subject(name=FEW, act=lambda times: self._complete(self._few, times)),
            Subject(name=MANY, act=lambda times: self._complete(self._many, times)),
            Subject(name="with activity(): pass", act=self._do_whole),
        ]

    def _bare_appends(self, times: int) -> float:
        began = time.perf_counter()
        for _ in range(times):
            os.write(self._bare, RECORD)
            os.fdatasync(self._bare)
        return time.perf_counter() - began

    def _complete(self, source: Iterator[tuple[Checklist, str]], times: int) -> float:
        seconds = 0.0
        for _ in range(times):
            checklist, name = next(source)
            began = time.perf_counter()
            checklist.complete(name)
            seconds += time.perf_counter() - began
        return seconds

    def _do_whole(self, times: int) -> float:
        seconds = 0.0
        for _ in range(times):
            checklist, name = next(self._blocks)
            began = time.perf_counter()
            with checklist.activity(name):
                pass
            seconds += time.perf_counter() - began
        return seconds


def compared(directory: Path, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of a completion of each subject, block by block.

    Before that, so much is done that the JSONs are rewritten at the pace of a program that never rests (decision 0023).
    """
    subjects = Completions(directory).subjects()
    for subject in subjects * 3:
        subject.act(WARM)
    spent = [[subject.act(BLOCK) / BLOCK for subject in subjects] for _ in range(rounds)]
    return {subject.name: list(times) for subject, times in zip(subjects, zip(*spent, strict=True), strict=True)}


def ratio(spent: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median of what one takes by what another takes in the same moment."""
    return statistics.median(a / b for a, b in zip(spent[one], spent[other], strict=True))


def measured(place: Path, rounds: int = 20) -> dict[str, float]:
    """Return the rate of a completion as a part of the bare one, and how much longer a long checklist takes."""
    with tempfile.TemporaryDirectory(dir=place) as directory:
        spent = compared(Path(directory), rounds)
    return {"complete × bare": ratio(spent, BARE, FEW), "long by short": ratio(spent, MANY, FEW)}


def measure(directory: Path, rounds: int) -> None:
    """Print a line for each subject: the median of its rate, and of its ratio to the bare one of the same round."""
    spent = compared(directory, rounds)
    for name, times in spent.items():
        rate = statistics.median(1 / seconds for seconds in times)
        promised = f"   (at least {LEAST[name]:g})" if name in LEAST else ""
        print(f"{name:32} {rate:8,.0f}/s   {ratio(spent, BARE, name):5.2f} × bare{promised}")
    print(f"{LONG:,} activities take {ratio(spent, MANY, FEW):.2f} × the time of 20   (at most 1.5)")


def measure_threads(directory: Path, each: int = 150) -> None:
    """Print what threads reach that share their flushes."""
    names = [f"{thread}-{number}" for thread in range(THREADS) for number in range(each)]
    checklist = JobState(dir=directory / "threads").open("a", "t", names)

    def work(thread: int) -> None:
        for number in range(each):
            checklist.complete(f"{thread}-{number}")

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{THREADS} threads on one checklist       {len(names) / (time.perf_counter() - began):8,.0f}/s")


def measure_start(directory: Path) -> None:
    """Print what importing costs, against an interpreter that does nothing; everything is compiled before."""
    codes = {"pass": "", "import outlast.jobstate": "   (at most 3)", "from outlast import JobState": "   (at most 3)"}
    spent: dict[str, list[float]] = {code: [] for code in codes}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(directory / "compiled")
    for number in range(STARTS + 1):
        for code in codes:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            if number:
                spent[code].append(time.perf_counter() - began)
    for code, promised in list(codes.items())[1:]:
        ratio = statistics.median(ours / bare for ours, bare in zip(spent[code], spent["pass"], strict=True))
        print(f"{code:32} {ratio:5.2f} × python -c pass{promised}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--directory", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        measure(Path(directory), arguments.rounds)
        measure_threads(Path(directory))
        measure_start(Path(directory))


if __name__ == "__main__":
    main()
