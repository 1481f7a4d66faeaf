"""A command loads what it needs and no more, so that it answers at once."""

import subprocess
import sys

from tests.cli.shell import Shell

MOST_MODULES = 95
"""What `outlast list --json` may load of its own and of its two libraries; the time that it takes is benchmarked."""

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


def test_list_loads_few_modules(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    mine = [name for name in loaded(shell, "list", "--json") if name.partition(".")[0] in {"outlast", "apsw", "click"}]

    assert len(mine) <= MOST_MODULES, sorted(mine)
