"""Disks for tests: one in memory, and small ones that can be filled."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

DEFAULT_SIZE = "3m"


@pytest.fixture
def memory_disk() -> Iterator[Path]:
    """Return a directory in memory where there is one: for what has many files or flushes and no power cut."""
    root = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="outlast-test-", dir=root))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 3 MB, or of the size that the test names as its parameter."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    place = tmp_path / "disk"
    place.mkdir()
    size = getattr(request, "param", DEFAULT_SIZE)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


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
