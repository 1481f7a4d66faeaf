"""An end that is written down, by a supervisor that died before it could say so."""

from pathlib import Path

import pytest

from outlast.core.status import Status
from tests.engine import greedy
from tests.waiting import eventually
from tests.workshop import Workshop


def test_a_process_whose_end_was_heard_before_leaves_its_place_to_the_others(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit of its end has claimed the next job for it, which never arrives."""
    once = tmp_path / "killed"
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")
    monkeypatch.setenv("OUTLAST_CRASH_POINT", "swap:committed")
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(once))

    handles = [workshop.submit(greedy.whoami) for _ in range(3)]
    eventually(once.exists, timeout=20, what="a supervisor to die at the first end")
    workshop.start_supervisor()

    ended = [workshop.until_ended(handle) for handle in handles]
    assert {job.status for job in ended} == {Status.COMPLETED}
    assert [job.crashes for job in ended] == [0, 0, 0]
    assert "put_back" in workshop.events(handles[1])
