"""A full disk: what is saved stays, what cannot be saved is told or waits, and all goes on when there is room again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.core.errors import StoreFull
from outlast.core.status import Status
from tests.crash.work import number, steady_steps, words
from tests.waiting import eventually
from tests.workshop import Workshop

STEPS = 40


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 3 MB."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def workshop(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    place = Workshop(small_disk / "jobs")
    monkeypatch.setenv("JOBS_DATA_DIR", str(place.root))
    yield place
    place.stop()


class Filler:
    """A file that takes all the room there is."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "filler"

    def fill(self) -> None:
        with open(self._path, "ab", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def free(self) -> None:
        os.truncate(self._path, 0)


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
