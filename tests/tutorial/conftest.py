"""One data directory and one supervisor for the whole tutorial; each test only adds jobs."""

import os
from collections.abc import Iterator

import pytest

from outlast import Outlast
from tests.workshop import Workshop

SETTINGS = {"OUTLAST_GRACE": "300ms", "OUTLAST_CONCURRENCY": "4"}


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Return the directory that all tests share, with its supervisor in office."""
    place = Workshop(tmp_path_factory.mktemp("tutorial") / "jobs")
    os.environ.update(SETTINGS)
    place.start_supervisor()
    for name in SETTINGS:
        del os.environ[name]
    yield place
    place.stop()


@pytest.fixture(autouse=True)
def jobs_go_there(shared: Workshop, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let plain calls such as `greet.submit()` find the shared directory, as a program's environment would."""
    monkeypatch.setenv("JOBS_DATA_DIR", str(shared.root))
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def outlast(jobs_go_there: None) -> Iterator[Outlast]:
    """Return the jobs of the shared directory, for what plain calls cannot do."""
    with Outlast() as opened:
        yield opened
