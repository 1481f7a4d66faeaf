"""A full disk: what is saved stays, what cannot be saved is told or waits, and all goes on when there is room again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.core.errors import StoreFull
from outlast.core.status import Status
from tests.crash.work import number, steady_steps, words
from tests.disks import Filler
from tests.waiting import eventually
from tests.workshop import Workshop

STEPS = 40


@pytest.fixture
def workshop(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    place = Workshop(small_disk / "jobs")
    monkeypatch.setenv("JOBS_DATA_DIR", str(place.root))
    yield place
    place.stop()


@pytest.mark.parametrize("killed", [False, True], ids=["", "supervisor-killed"])
def test_a_running_job_waits_for_room_and_repeats_nothing(
    workshop: Workshop, small_disk: Path, tmp_path: Path, *, killed: bool
) -> None:
    notes, filler = tmp_path / "notes", Filler(small_disk)
    handle = workshop.submit(steady_steps, str(notes), STEPS)
    eventually(lambda: len(words(notes)) > 5, timeout=20, what="some steps")

    filler.fill()
    with pytest.raises(StoreFull, match=r"Nothing was changed\. Free some space"):
        workshop.submit(number, 1)
    assert workshop.job(handle).status is Status.RUNNING
    assert workshop.outlast.list()["jobs"][0]["job_id"] == handle.id
    if killed:
        workshop.kill_supervisor()
    filler.free()

    assert handle.result(20) == STEPS
    assert words(notes) == [str(step) for step in range(STEPS)]
    assert workshop.job(handle).attempt == 1
    assert workshop.submit(number, 2).result(20) == 2
