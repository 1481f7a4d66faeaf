"""The shell of a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell, shell_in


@pytest.fixture
def shell(tmp_path: Path, data_dir: Path) -> Iterator[Shell]:
    """Return a shell in which jobs are only stored, never run: nothing moves but what the test does."""
    with shell_in(tmp_path, data_dir) as place:
        yield place


@pytest.fixture
def live(shell: Shell) -> Shell:
    """Return a shell in which jobs run."""
    shell.live()
    return shell
