"""Durable files: replaced whole, made with their directories, set aside without loss."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from outlast.durable import ensure_directory, new_file_beside, replace_file, set_aside, sweep
from tests.faults.fixtures import ROOT, faultio

__all__ = ["faultio"]


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"

    replace_file(path, b"one")
    replace_file(path, b"")
    replace_file(path, b"two\0" * 100_000)

    assert path.read_bytes() == b"two\0" * 100_000
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace_file(tmp_path / "file", b"x")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o600)

    replace_file(tmp_path / "file", b"x")

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_name_of_the_greatest_length_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)

    replace_file(path, b"x")

    assert path.read_bytes() == b"x"


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.mkdir()
    (path / "inside").touch()

    with pytest.raises(OSError, match="directory"):
        replace_file(path, b"x")

    assert os.listdir(tmp_path) == ["file"]


SHORT_WRITE = """
import errno, os, sys
from pathlib import Path
from outlast.durable import replace_file
from tests.faults import faultio

path = Path(sys.argv[1]) / "file"
replace_file(path, b"old")
for mode, ops in (("short", "write"), ("errno", "write"), ("errno", "fsync"), ("errno", "rename")):
    faultio.arm(faultio.Fault(nth=1, mode=mode, ops=ops, path=str(path.parent), error=errno.ENOSPC))
    try:
        replace_file(path, b"new" * 1000)
    except OSError as error:
        print(error.errno == errno.ENOSPC, faultio.disarm(), path.read_bytes() == b"old", os.listdir(path.parent))
"""


def test_a_short_write_is_an_error_and_no_call_is_tried_twice(faultio: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHORT_WRITE, str(tmp_path)],
        env={**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["True 1 True ['file']"] * 4


RECORD = """
import sys
from pathlib import Path
from outlast.durable import replace_file

replace_file(Path(sys.argv[1]), b"x")
"""


def test_the_data_are_on_disk_before_the_name_and_the_name_before_it_returns(faultio: Path, tmp_path: Path) -> None:
    folder, record = tmp_path / "folder", tmp_path / "record"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", RECORD, str(folder / "file")],
        env={**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none", "FI_PATH": "folder", "FI_REC": str(record)},
        check=True,
    )

    lines = record.read_text().splitlines()
    calls = [line.split("\t")[0] for line in lines if line.count("\t") >= 6]
    assert calls == ["create", "write", "fsync", "rename", "fsyncdir"]


def test_directories_are_made_with_those_above_them(tmp_path: Path) -> None:
    ensure_directory(tmp_path / "a" / "b" / "run", private=True)
    ensure_directory(tmp_path / "a" / "b" / "run", private=True)

    assert stat.S_IMODE((tmp_path / "a" / "b" / "run").stat().st_mode) == 0o700


def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    with pytest.raises(NotADirectoryError):
        ensure_directory(tmp_path / "a")
    with pytest.raises(NotADirectoryError):
        ensure_directory(tmp_path / "a" / "b")


def test_damaged_files_are_set_aside_one_beside_the_other(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    moved = []
    for text in ("one", "two", "three"):
        path.write_text(text)
        moved.append(set_aside(path))

    assert not path.exists()
    assert [each.read_text() for each in moved] == ["one", "two", "three"]
    assert all(each.name.startswith("jobs.json.damaged-2") for each in moved)


def test_a_directory_and_a_loop_can_be_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "b")

    assert set_aside(tmp_path / "a").is_dir()
    assert set_aside(tmp_path / "b").is_symlink()
    assert len(os.listdir(tmp_path)) == 2


def test_what_is_not_there_cannot_be_set_aside(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        set_aside(tmp_path / "nothing")


def test_leftovers_of_the_same_file_are_swept_once_nobody_writes_them(tmp_path: Path) -> None:
    for name in (".file.1.tmp", ".file.1.tmp-journal", ".other.1.tmp", "file"):
        (tmp_path / name).touch()

    with new_file_beside(tmp_path / "file", 0o600) as (_, mine):
        sweep(tmp_path / "file")

        assert sorted(os.listdir(tmp_path)) == sorted([mine.name, ".file.1.tmp-journal", ".other.1.tmp", "file"])

    os.utime(tmp_path / ".file.1.tmp-journal", (1, 1))
    sweep(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [".other.1.tmp", "file"]


def test_a_file_that_is_swept_before_it_is_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock
    swept: list[Path] = []

    def flock(descriptor: int, how: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    replace_file(tmp_path / "file", b"whole")

    assert (tmp_path / "file").read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_somebody_sweeps_just_then_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sweeps may be stopped while he holds it: a writer does not wait for him."""
    real = fcntl.flock
    held: list[int] = []

    def flock(descriptor: int, how: int) -> None:
        if not held:
            [found] = tmp_path.iterdir()
            held.append(os.open(found, os.O_RDONLY))
            real(held[0], fcntl.LOCK_EX)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    replace_file(tmp_path / "file", b"whole")
    os.close(held[0])

    assert (tmp_path / "file").read_bytes() == b"whole"
