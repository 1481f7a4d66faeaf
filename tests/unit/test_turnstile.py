"""The turnstile between supervisor and job process: a job has begun or was taken back, never both."""

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from outlast.engine.identity import holds_lock
from outlast.engine.jobside.turnstile import Begun, Gate, Turnstile
from tests.waiting import eventually

ROUNDS = 60


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p1.lock"


def run_jobs(path: Path, writer: int) -> None:
    """Be the job process: begin one job after another until one was taken back; never return."""
    try:
        turnstile = Turnstile(opened(path))
        os.write(writer, b"ready\n")
        number = 1
        while turnstile.begin(number, f"job_{number}", 1):
            number += 1
        os.write(writer, f"{number}\n".encode())
    finally:
        os._exit(0)


def test_nothing_has_begun_in_a_fresh_process(path: Path) -> None:
    descriptor = opened(path)
    Turnstile(descriptor)

    assert Gate(path).begun() is None
    os.close(descriptor)


def test_the_job_that_began_last_is_told_whatever_was_written_before(path: Path) -> None:
    descriptor = opened(path)
    turnstile = Turnstile(descriptor)

    begun = [turnstile.begin(1, "a_job_with_a_long_name" * 10, 12_345), turnstile.begin(2, "b", 1)]

    assert begun == [True, True]
    assert Gate(path).begun() == Begun(2, "b", 1)
    os.close(descriptor)


def test_what_was_taken_back_does_not_begin_and_what_comes_later_does(path: Path) -> None:
    descriptor = opened(path)
    turnstile = Turnstile(descriptor)
    turnstile.begin(1, "first", 1)

    last = Gate(path).close_for(3)

    assert last == Begun(1, "first", 1)
    assert [turnstile.begin(number, "x", 1) for number in (2, 3, 4)] == [False, False, True]
    os.close(descriptor)


def test_a_gate_whose_file_is_gone_says_so(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Gate(path).begun()
    with pytest.raises(FileNotFoundError):
        Gate(path).close_for(1)


def test_a_descriptor_that_the_job_closed_is_noticed(path: Path) -> None:
    descriptor = opened(path)
    turnstile = Turnstile(descriptor)
    assert turnstile.is_ours()

    os.close(descriptor)
    other = os.open(os.devnull, os.O_RDONLY)

    assert other == descriptor
    assert not turnstile.is_ours()
    os.close(other)


def closed(gate: Gate) -> Begun | None:
    """Close the gate; a child that the machine stopped inside the turnstile is waited for."""

    def close() -> list[Begun | None]:
        with suppress(BlockingIOError):
            return [gate.close_for(10**9)]
        return []

    return eventually(close, what="the turnstile to be free")[0]


def test_both_sides_agree_whenever_the_turnstile_is_closed(path: Path) -> None:
    chance = random.Random(11)
    for round_ in range(ROUNDS):
        place = path.with_name(f"p{round_}.lock")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            run_jobs(place, writer)
        os.close(writer)
        with open(reader, encoding="ascii") as said:
            assert said.readline() == "ready\n"
            for _ in range(chance.randrange(3_000)):
                pass
            last = closed(Gate(place))
            refused = int(said.readline())
        os.waitpid(child, 0)

        assert refused == (0 if last is None else last.number) + 1


def test_the_lock_says_that_the_process_lives_until_it_is_killed(path: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        Turnstile(opened(path))
        os.write(writer, b"ready\n")
        signal.pause()
    os.close(writer)
    with open(reader, encoding="ascii") as said:
        said.readline()
    assert holds_lock(path)

    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    assert not holds_lock(path)
