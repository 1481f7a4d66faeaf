"""Importing job state costs next to nothing, and loads nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

MOST_TIMES = 3
"""`import outlast.jobstate` against `python -c pass`."""
MOST_TIMES_WITH_A_CLASS = 4
"""The same once JobState is loaded, which reads JSON and knows time zones."""


def test_importing_it_is_quick(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)

    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        return time.perf_counter() - began

    codes = ("pass", "import outlast.jobstate", "from outlast import JobState")
    rounds = [[seconds(code) for code in codes] for _ in range(12)]

    # The fastest of each: what else the machine does only ever adds.
    bare, module, name = (min(each[index] for each in rounds) for index in range(3))
    assert module <= MOST_TIMES * bare
    assert name <= MOST_TIMES_WITH_A_CLASS * bare


def test_the_names_of_the_package_are_there() -> None:
    import outlast.jobstate

    assert all(getattr(outlast.jobstate, name) for name in outlast.jobstate.__all__)
    assert not hasattr(outlast.jobstate, "nothing")
    assert outlast.JobState is outlast.jobstate.JobState
