"""Cutting a log under its writer's hands, in each of the ways that file systems allow."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from outlast.core.logfiles import MOST_BYTES
from outlast.core.places import Places
from outlast.engine import logcut
from outlast.engine.logcut import FLOOD_BYTES, keep_short
from outlast.joblog import JobLog
from tests.disks import Filler

LINE = 100
WRITER = """
import os, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for first in range(0, int(sys.argv[2]), 50):
    if first % 20_000 == 0:
        os.read(0, 1)
    os.write(log, b"".join(b"%099d\\n" % number for number in range(first, first + 50)))
"""
"""Writes without a pause, but for each 2 MB it is given a sign first."""
SIGN_BYTES = 20_000 * LINE


@pytest.fixture(params=[True, False], ids=["blocks-cut", "copied"])
def can_cut(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Cut as this file system can, and as one does that cannot cut blocks off."""
    monkeypatch.setattr(logcut, "_cannot_collapse", set() if request.param else {tmp_path.stat().st_dev})
    return bool(request.param)


class Log:
    """The log of a job and its writer."""

    def __init__(self, directory: Path) -> None:
        self._places = Places(directory)
        self._places.logs.mkdir()
        self.older, self.newer = self._places.logs_of("job")
        self._descriptor = os.open(self.newer, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._next = 0

    def write(self, lines: int) -> None:
        """Append numbered lines, each of 100 bytes."""
        numbers = range(self._next, self._next + lines)
        os.write(self._descriptor, b"".join(b"%099d\n" % number for number in numbers))
        self._next += lines

    def cut(self) -> int:
        return keep_short(self.newer, self.older)

    def log(self) -> JobLog:
        return JobLog(self._places, "job")

    def kept(self) -> list[int]:
        """Return the numbers of the whole lines that are kept."""
        log = self.log()
        begin = position = log.begin()
        text = bytearray()
        while position < log.end():
            piece, position = log.read(position, MOST_BYTES)
            text += piece
        return [int(line) for line in text[-begin % LINE :].splitlines()]


def test_a_short_log_stays_as_it_is(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(MOST_BYTES // LINE)

    assert log.cut() == MOST_BYTES
    assert not log.older.exists()
    assert log.newer.stat().st_size == MOST_BYTES


def test_what_is_cut_off_is_in_the_older_file_and_nothing_is_missing(tmp_path: Path, can_cut: bool) -> None:
    log = Log(tmp_path)
    for round_ in range(4):
        log.write(MOST_BYTES // LINE + 100)
        log.cut()

        assert max(path.stat().st_size for path in (log.older, log.newer)) <= MOST_BYTES
        kept = log.kept()
        assert kept == list(range(kept[0], (round_ + 1) * (MOST_BYTES // LINE + 100)))
        assert len(kept) * LINE > 0.8 * MOST_BYTES
        assert log.log().end() == (round_ + 1) * (MOST_BYTES + 100 * LINE)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_where_blocks_can_be_cut_nothing_that_is_written_meanwhile_is_lost(tmp_path: Path) -> None:
    if not can_cut_blocks(tmp_path):
        pytest.skip("needs a file system that can cut blocks off the front of a file")
    log, lines = Log(tmp_path), 500_000
    read, position, cuts = bytearray(), 0, 0
    command = [sys.executable, "-c", WRITER, str(log.newer), str(lines)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0) as writer:
        assert writer.stdin is not None
        given = 0
        while len(read) < lines * LINE:
            if given * SIGN_BYTES <= len(read) + SIGN_BYTES and given * SIGN_BYTES < lines * LINE:
                writer.stdin.write(b"+")
                given += 1
            cuts += log.cut() > MOST_BYTES
            text, position = log.log().read(position, 3 * MOST_BYTES)
            read += text

    assert cuts > 1
    assert len(read) == lines * LINE
    assert read[-LINE:] == b"%099d\n" % (lines - 1)


def can_cut_blocks(directory: Path) -> bool:
    place = directory / "probe"
    place.mkdir()
    log = Log(place)
    log.write(MOST_BYTES // LINE + 100)
    log.cut()
    return log.newer.stat().st_size > 0


def test_a_flood_is_cut_to_its_end(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(FLOOD_BYTES // LINE + 100)

    log.cut()

    kept = log.kept()
    assert kept[-1] == FLOOD_BYTES // LINE + 99
    assert log.log().end() == FLOOD_BYTES + 100 * LINE
    assert log.newer.stat().st_size == 0


@pytest.mark.parametrize("small_disk", ["15m"], indirect=True)
def test_on_a_full_disk_the_end_is_kept_and_there_is_room_again(small_disk: Path) -> None:
    log = Log(small_disk)
    log.write(MOST_BYTES // LINE + 100)
    Filler(small_disk).fill()

    log.cut()

    assert log.kept()[-1] == MOST_BYTES // LINE + 99
    log.write(10)
    assert log.kept()[-1] == MOST_BYTES // LINE + 109


@pytest.mark.parametrize("kind", ["link", "directory", "pipe", "nothing"])
def test_what_a_job_puts_in_the_place_of_its_log_is_left_alone(tmp_path: Path, kind: str) -> None:
    log, other = Log(tmp_path), tmp_path / "other"
    other.write_bytes(b"x" * (MOST_BYTES + 1))
    log.newer.unlink()
    if kind == "link":
        log.newer.symlink_to(other)
    elif kind == "directory":
        log.newer.mkdir()
    elif kind == "pipe":
        os.mkfifo(log.newer)

    log.cut()

    assert other.stat().st_size == MOST_BYTES + 1
    assert not log.older.exists()
    assert log.log().read(0, 10)[0] in (b"", b"x" * 10) if kind != "pipe" else True


def test_a_link_in_the_place_of_the_older_file_is_replaced_and_not_followed(tmp_path: Path, can_cut: bool) -> None:
    log, other = Log(tmp_path), tmp_path / "other"
    other.write_bytes(b"precious")
    log.older.symlink_to(other)
    log.write(MOST_BYTES // LINE + 100)

    log.cut()

    assert other.read_bytes() == b"precious"
    assert not log.older.is_symlink()


def test_a_log_that_was_removed_and_begun_again_is_read_from_its_new_beginning(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.write(10)
    reader = log.log()
    _, position = reader.read(0, 10_000)

    log.newer.write_bytes(b"anew\n")

    text, position = reader.read(position, 10_000)
    assert (text, position) == (b"anew\n", 5)


def test_a_reader_waits_while_a_log_is_just_being_cut(tmp_path: Path) -> None:
    """Between the two moves of a cut the older file is there already, and the newer one is not yet short."""
    log = Log(tmp_path)
    log.write(MOST_BYTES // LINE + 100)
    reader, whole = log.log(), log.newer.read_bytes()
    end = reader.end()
    log.cut()
    done = log.newer.rename(tmp_path / "done")
    log.newer.write_bytes(whole)
    assert log.older.stat().st_size + log.newer.stat().st_size > end, "the planted fault: the same output twice"

    mended = threading.Timer(0.1, done.rename, [log.newer])
    mended.start()

    assert reader.end() == end
    mended.join()
