"""Compiled code on disk: kept for the next process, and never trusted when it is damaged, foreign or half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outlast.pow.searching.kernel import objects

KEY = "pow-0123"
CODE = bytes(range(256)) * 8
SEARCH = """
from outlast.pow.searching.search import open_searcher, limit
searcher = open_searcher(b"2-371BUILD1000NONCE", "llvm")
print(searcher.first_below(5_700_000, 5_730_000, limit(6))[0], searcher.name)
"""
FOUND = "5721567 llvm\n"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of kept code of this test, not yet created."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "outlast"


def start_search(**environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SEARCH],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[str, str, int]:
    out, err = process.communicate(timeout=60)
    return out, err, process.returncode


def test_what_is_kept_is_there_for_nobody_else(directory: Path) -> None:
    old = os.umask(0)
    try:
        objects.keep(KEY, CODE)
    finally:
        os.umask(old)

    assert objects.kept(KEY) == CODE
    assert objects.kept("pow-other") is None
    assert [(path.name, path.stat().st_mode & 0o777) for path in directory.iterdir()] == [(KEY, 0o600)]
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 1_000, 32 + len(CODE) - 1])
def test_a_file_cut_short_is_not_used_and_replaced(directory: Path, length: int) -> None:
    objects.keep(KEY, CODE)
    os.truncate(directory / KEY, length)

    assert objects.kept(KEY) is None
    objects.keep(KEY, CODE)
    assert objects.kept(KEY) == CODE


@pytest.mark.parametrize("position", [0, 31, 32, 500, 32 + len(CODE) - 1])
def test_a_file_with_one_wrong_bit_is_not_used(directory: Path, position: int) -> None:
    objects.keep(KEY, CODE)
    text = bytearray((directory / KEY).read_bytes())
    text[position] ^= 4
    (directory / KEY).write_bytes(text)

    assert objects.kept(KEY) is None


def test_a_file_that_others_may_write_is_not_used(directory: Path) -> None:
    objects.keep(KEY, CODE)
    (directory / KEY).chmod(0o620)

    assert objects.kept(KEY) is None


@pytest.mark.parametrize("kind", ["directory", "pipe", "loop", "zeros"])
def test_something_else_in_its_place_is_not_used_and_not_waited_for(directory: Path, kind: str) -> None:
    path = directory / KEY
    directory.mkdir(parents=True)
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.write_bytes(bytes(5_000_000))

    assert objects.kept(KEY) is None
    objects.keep(KEY, CODE)
    assert objects.kept(KEY) == (None if kind == "directory" else CODE)
    assert [found.name for found in directory.iterdir()] == [KEY]


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null", "relative"])
def test_without_a_place_nothing_is_kept_and_nothing_is_said(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", place)
    monkeypatch.setenv("HOME", "nowhere")

    objects.keep(KEY, CODE)

    assert objects.kept(KEY) is None


def test_the_second_process_finds_the_code_of_the_first(directory: Path) -> None:
    first = ended(start_search())
    [kept] = directory.iterdir()
    written = kept.stat().st_mtime_ns

    second = ended(start_search())

    assert first == second == (FOUND, "", 0)
    assert kept.stat().st_mtime_ns == written


def test_several_processes_that_begin_at_once_all_find_it(directory: Path) -> None:
    processes = [start_search() for _ in range(4)]

    assert [ended(process) for process in processes] == [(FOUND, "", 0)] * 4
    assert len(list(directory.iterdir())) == 1


def test_a_process_killed_while_it_writes_leaves_nothing_that_harms(directory: Path) -> None:
    killed = ended(start_search(OUTLAST_CRASH_POINT="keep_code:written"))
    [left] = directory.iterdir()
    hours_ago = time.time() - 10_000
    os.utime(left, (hours_ago, hours_ago))

    second = ended(start_search())

    assert killed == ("", "", -signal.SIGKILL)
    assert second == (FOUND, "", 0)
    assert not left.exists()
    assert len(list(directory.iterdir())) == 1


def test_a_damaged_file_is_compiled_again(directory: Path) -> None:
    ended(start_search())
    [kept] = directory.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:100] + b"damaged" + whole[107:])

    assert ended(start_search()) == (FOUND, "", 0)
    assert kept.read_bytes() == whole
