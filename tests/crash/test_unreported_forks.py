"""A process that was forked, by a server that died before it could say so."""

import sys
from pathlib import Path

import pytest

from outlast.client import Handle
from outlast.core.status import Status
from tests.engine import alone
from tests.waiting import eventually
from tests.workshop import Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks job processes")


@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_it_gets_no_job_and_takes_nobodys_place(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concurrency: str
) -> None:
    once, ran = tmp_path / "killed", tmp_path / "ran"
    monkeypatch.setenv("OUTLAST_CONCURRENCY", concurrency)
    monkeypatch.setenv("OUTLAST_CRASH_POINT", "fork:forked")
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(once))
    handles: list[Handle] = []

    def strikes() -> bool:
        handles.extend(workshop.submit(alone.lingers, str(ran)) for _ in range(3))
        return all(workshop.until_ended(handle) for handle in handles) and once.exists()

    eventually(strikes, timeout=40, what="a fork server to die right after a fork")
    strikes()

    assert {workshop.job(handle).status for handle in handles} == {Status.COMPLETED}
    assert {workshop.job(handle).attempt for handle in handles} == {1}
    assert len(ran.read_text().split()) == len(handles)
