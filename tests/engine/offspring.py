"""Jobs that start supervisors: their own store's after its death, and another store's."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from outlast import Context, Outlast, job
from tests.waiting import eventually


@job
def saves_when_told(ctx: Context, go: str) -> int:
    ctx.step("before", os.getpid)
    eventually(Path(go).exists, timeout=60)
    return ctx.step("after", os.getpid)


@job
def nothing() -> None:
    pass


@job
def counts_its_runs(path: str) -> None:
    with open(path, "a", encoding="ascii") as file:
        file.write("x")
    threading.Event().wait(1.0)


@job
def submits_elsewhere(directory: str, path: str) -> str:
    with Outlast(directory) as elsewhere:
        return elsewhere.submit(counts_its_runs, path).id


@job
def submits_elsewhere_and_stays(directory: str, path: str) -> None:
    submits_elsewhere(directory, path)
    threading.Event().wait()


@job
def runs_a_program_that_submits_elsewhere(directory: str, path: str) -> str:
    command = [sys.executable, "-m", "tests.engine.offspring", directory, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    print(submits_elsewhere.fn(*sys.argv[1:]))
