"""What every test gets: a clean environment, a directory for jobs, and a look at what it left behind."""

import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.leftovers import MARK_VARIABLE, children, left_behind
from tests.waiting import eventually

pytest_plugins = ["tests.postgres", "tests.skips", "tests.workshop", "tests.disks", "tests.figures"]

_OURS = frozenset(
    {
        "JOBS_DATA_DIR",
        "PERSIST_JOBS",
        "DANGER",
        "DATABASE_URL",
        "TARGET_DIFFICULTY_START",
        "CONSENSUS_API_URL",
    }
)
_LEAVING_SECONDS = 2.0
"""How long a process that is already on its way out may take after its test."""

settings.register_profile("outlast", deadline=None, print_blob=True)
settings.load_profile("outlast")


def pytest_configure() -> None:
    """Clear the environment for fixtures that outlive one test, and let programs be interrupted.

    Who was started in the background without job control ignores SIGINT, and so would all that it starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in _settings_of_ours():
        del os.environ[name]


def _settings_of_ours() -> list[str]:
    """Return the variables that are set and that Outlast reads; what only tests read stays."""
    ours = [name for name in os.environ if name in _OURS or name.startswith("OUTLAST_")]
    return [name for name in ours if not name.startswith("OUTLAST_TEST_")]


@pytest.fixture(scope="session", autouse=True)
def cache_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep compiled code for the whole run, away from the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test without a variable that Outlast reads."""
    for name in _settings_of_ours():
        monkeypatch.delenv(name)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data directory of this test, not yet created; JOBS_DATA_DIR names it, for programs it starts."""
    directory = tmp_path / "data" / "jobs"
    monkeypatch.setenv("JOBS_DATA_DIR", str(directory))
    return directory


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest, clean_environment: None) -> Iterator[None]:
    """Fail a test that leaves a process behind, and kill that process.

    Processes are recognised by a mark in their environment or by the test's directory (see leftovers.py).
    """
    mark = secrets.token_hex(8)
    before = children()
    os.environ[MARK_VARIABLE] = mark
    yield
    os.environ.pop(MARK_VARIABLE, None)
    directory: Path | None = request.node.funcargs.get("tmp_path")
    if not left_behind(mark, directory, children_before=before):
        return
    try:
        eventually(lambda: not left_behind(mark, directory, children_before=before), timeout=_LEAVING_SECONDS)
    except AssertionError:
        left = left_behind(mark, directory, children_before=before)
        for process in left:
            process.kill()
        names = "; ".join(f"{process.pid}: {process.command}" for process in left)
        pytest.fail(f"The test left behind {names}", pytrace=False)
