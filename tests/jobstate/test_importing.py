"""Importing job state costs next to nothing, and loads nothing else."""

import subprocess
import sys

DEAR = {"asyncio", "ctypes", "dataclasses", "email", "http", "inspect", "logging", "multiprocessing", "subprocess"}
"""What would make it slow; the time itself is benchmarked."""


def loaded(code: str) -> set[str]:
    tell = "import sys; sys.stdout.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"{code}; {tell}"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_it_loads_next_to_nothing() -> None:
    bare = loaded("pass")

    module = loaded("import outlast.jobstate") - bare
    name = loaded("from outlast import JobState") - bare

    assert {each.partition(".")[0] for each in module} <= {"outlast", "importlib", "warnings"}
    assert not {each.partition(".")[0] for each in name} & DEAR


def test_the_names_of_the_package_are_there() -> None:
    import outlast.jobstate

    assert all(getattr(outlast.jobstate, name) for name in outlast.jobstate.__all__)
    assert not hasattr(outlast.jobstate, "nothing")
    assert outlast.JobState is outlast.jobstate.JobState
