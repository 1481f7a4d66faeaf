"""What the tests of job state share: a directory, a clock that stands, and a look into the files."""

from pathlib import Path

import pytest

from outlast import JobState
from outlast.jobstate import late
from tests.jobstate.places import DAY, Clock


@pytest.fixture(autouse=True)
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin like a program, which has rewritten no JSON yet."""
    monkeypatch.setattr(late._waiting, "pace", late.Pace())


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at noon (UTC) of DAY until it is moved."""
    return Clock(DAY)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return the directory of job state, not yet made."""
    return tmp_path / "sessions" / "job-state"


@pytest.fixture
def state(directory: Path, clock: Clock) -> JobState:
    """Return job state in that directory, by that clock, in UTC."""
    return JobState(dir=directory, timezone="UTC", clock=clock)
