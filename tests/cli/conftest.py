"""The shell of a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell, shell_in


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory for bytecode: hundreds of short processes must not compile everything again."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def shell(tmp_path: Path, data_dir: Path, bytecode: Path) -> Iterator[Shell]:
    """Return a shell in which jobs are only stored, never run: nothing moves but what the test does."""
    with shell_in(tmp_path, data_dir) as place:
        place.environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
        yield place


@pytest.fixture
def live(shell: Shell) -> Shell:
    """Return a shell in which jobs run."""
    shell.live()
    return shell
