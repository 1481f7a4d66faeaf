"""A pytest plugin: what a test of the torture programme reached, with which seed, and whether it is a planted fault.

Shown with the test's output; `tests/programme.py` reads it from the file that TORTURE_RECORD names.
"""

import json
import os
import random
from pathlib import Path

import pytest

RECORD_VARIABLE = "TORTURE_RECORD"
SEED_VARIABLE = "TORTURE_SEED"
REACHED = "reached "


class Figures:
    """What one test reached."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def reached(self, what: str, count: int) -> None:
        """Note so many of something, in the plural: `kills`, `states`, `cuts`."""
        print(f"reached {count:,} {what}")
        self._item.user_properties.append((REACHED + what, count))

    def seed(self) -> str:
        """Return the seed of this test, print how to run it again, and note it."""
        seed = os.environ.get(SEED_VARIABLE) or f"{random.randrange(1_000_000)}"
        print(f"seed {seed}; again: {replay(self._item.nodeid, seed)}")
        self._item.user_properties.append(("seed", seed))
        return seed


def replay(test: str, seed: str) -> str:
    """Return the command that runs a test again, with this seed and the sizes of now."""
    sizes = {name: value for name, value in os.environ.items() if name.startswith("TORTURE_")}
    sizes.pop(RECORD_VARIABLE, None)
    words = " ".join(f"{name}={value}" for name, value in sorted({**sizes, SEED_VARIABLE: seed}.items()))
    return f"{words} ./run test '{test}'"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Return where a test notes what it reached."""
    return Figures(request.node)


class Recorder:
    """Appends what each test reached to a file, one line of JSON a test."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        line = {"test": report.nodeid, "outcome": report.outcome, "properties": report.user_properties}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "planted: a fault is planted, and the test must find it")
    record = os.environ.get(RECORD_VARIABLE)
    if record and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(Path(record)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("planted") is not None:
        item.user_properties.append(("planted", item.name))
