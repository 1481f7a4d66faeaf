"""A command loads what it needs and no more, so that it answers at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.shell import PROGRAM, Shell

MOST_TIMES = 12
"""`outlast list --json` against `python -c pass`."""

_TELL = """
import sys
from outlast.clients.cli.main import run
from outlast.clients.cli.session import Session
run(sys.argv[1:], Session())
sys.stderr.write(" ".join(sys.modules))
"""
FOREIGN = {
    "rich",
    "asyncio",
    "unittest",
    "email",
    "http",
    "ssl",
    "multiprocessing",
    "psutil",
    "mcp",
    "jinja2",
    "sqlite3",
}


def loaded(shell: Shell, *args: str) -> set[str]:
    """Return the modules that a command has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _TELL, *args],
        cwd=shell.directory,
        env=shell._environment(None),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def test_list_loads_neither_rich_nor_other_commands(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    modules = loaded(shell, "list", "--json")

    assert {name for name in modules if name.endswith("_command")} == {"outlast.clients.cli.list_command"}
    assert not {name.partition(".")[0] for name in modules} & FOREIGN
    assert not any(name.startswith("outlast.pow") for name in modules)


def test_progress_loads_no_store(shell: Shell) -> None:
    modules = loaded(shell, "--version") | loaded(shell, "progress", "--help")

    assert not any(name.startswith(("outlast.storage", "outlast.engine", "apsw")) for name in modules)


def test_list_answers_quickly(shell: Shell, bytecode: Path) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    environment = shell._environment(None)

    def seconds(*command: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, cwd=shell.directory, env=environment, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    rounds = [(seconds(PROGRAM, "list", "--json"), seconds(sys.executable, "-c", "pass")) for _ in range(15)]

    # The fastest of each: what else the machine does only ever adds.
    assert min(mine for mine, _ in rounds) <= MOST_TIMES * min(bare for _, bare in rounds)
    assert os.listdir(bytecode)
