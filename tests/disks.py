"""Disks for tests: one in memory, small ones that can be filled, and real ones whose power can be cut."""

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import pytest

from tests.waiting import eventually

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


class Cut(IntEnum):
    """How a file system is shut down: with all that it holds written, with its own log written, or with nothing."""

    ORDERLY = 0
    LOG_FLUSHED = 1
    AT_ONCE = 2


class LoopDisk:
    """A file system of its own in a file. A `cut` is what pulling the plug is: what was not forced to it is gone."""

    SHUTDOWN = 0x8004587D
    """_IOR('X', 125, __u32), the same for ext4 and XFS."""
    MEGABYTES = 320
    """XFS wants at least 300."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.place = directory / "mounted"
        self._image = directory / "image"
        self.place.mkdir()
        with open(self._image, "wb") as file:
            file.truncate(self.MEGABYTES * 1024 * 1024)
        subprocess.run([f"mkfs.{kind}", "-q", str(self._image)], check=True, capture_output=True)

    def mount(self) -> None:
        """Mount it; what its log holds is carried out."""
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.place)], check=True, capture_output=True)

    def cut(self, how: Cut = Cut.AT_ONCE) -> None:
        """Take the power away; from now on every call fails."""
        descriptor = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, self.SHUTDOWN, struct.pack("I", how))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        """Unmount it; nobody must use it any more."""
        eventually(self._is_unmounted, what=f"{self.place} to be unmounted")

    def _is_unmounted(self) -> bool:
        done = subprocess.run(["umount", str(self.place)], capture_output=True, check=False)
        # Not asked of the place itself: without power it answers nothing.
        return done.returncode == 0 or f" {self.place} " not in Path("/proc/mounts").read_text(encoding="utf-8")


@pytest.fixture
def loop_disk(request: pytest.FixtureRequest, memory_disk: Path) -> Iterator[LoopDisk]:
    """Return a mounted disk of the kind that the test names as its parameter: ext4 or xfs."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    if shutil.which(f"mkfs.{request.param}") is None:
        pytest.skip(f"needs mkfs.{request.param}")
    disk = LoopDisk(request.param, memory_disk)
    try:
        disk.mount()
    except subprocess.CalledProcessError:
        pytest.skip("needs loop devices")
    yield disk
    disk.unmount()
