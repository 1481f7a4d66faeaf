"""Jobs that take more memory, processes, disk or output than is good. They note the pids they live in.

Those with a sign begin once that file stands.
"""

import itertools
import os
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from outlast import Context, job
from tests.engine.stubborn import note_pid

MEGABYTE = 1_000_000
NOBODY = 65_534
BOMB_SIZE = 60
LAST_LINE = "the very last line"

_kept: list[bytearray] = []


def hold(megabytes: int) -> bytearray:
    """Return so much memory that is really there."""
    held = bytearray(megabytes * MEGABYTE)
    for place in range(0, len(held), 4096):
        held[place] = 1
    return held


def until(sign: str) -> None:
    """Wait for a file."""
    while not os.path.exists(sign):
        threading.Event().wait(0.005)


def stay() -> None:
    threading.Event().wait()


# Memory.


@job
def leaks(path: str, sign: str) -> None:
    note_pid(path)
    until(sign)
    held = []
    while True:
        held.append(hold(10))


@job
def leaks_in_a_daemon(path: str, sign: str) -> None:
    """Let a process of another session leak, whose parent is gone."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            leaks.fn(path, sign)
        os._exit(0)
    os.wait()
    note_pid(path)
    stay()


@job
def shares(path: str, sign: str, megabytes: int, children: int) -> int:
    """Hold memory that forked children share, until the file `sign` stands; return how much it is."""
    held = hold(megabytes)
    pids = []
    for _ in range(children):
        if (pid := os.fork()) == 0:
            note_pid(path)
            stay()
        pids.append(pid)
    until(sign)
    for pid in pids:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return len(held) // MEGABYTE


@job
def leaves_memory_behind(megabytes: int) -> int:
    _kept.append(hold(megabytes))
    return os.getpid()


@job
def whoami() -> int:
    return os.getpid()


# Processes.


@job
def forks_without_end(path: str, sign: str) -> None:
    """A fork bomb, of so many processes at most; as root it works as nobody, whom the limit binds."""
    note_pid(path)
    until(sign)
    if os.fork() == 0:
        notes = os.open(path, os.O_WRONLY | os.O_APPEND)
        _bound_processes()
        while True:
            with suppress(OSError):
                if os.fork() == 0:
                    os.write(notes, f"{os.getpid()}\n".encode())
    stay()


def _bound_processes() -> None:
    user = os.getuid() or NOBODY
    others = sum(entry.stat().st_uid == user for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    resource.setrlimit(resource.RLIMIT_NPROC, (others + BOMB_SIZE, others + BOMB_SIZE))
    if os.getuid() == 0:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


# Output and disk.


@job
def prints_without_newline(path: str, sign: str, megabytes: int) -> None:
    note_pid(path)
    until(sign)
    for _ in range(megabytes):
        sys.stdout.write("x" * MEGABYTE)
    print("\n" + LAST_LINE, end="")


@job
def lets_a_child_print(path: str, sign: str, megabytes: int) -> None:
    """The child writes to the descriptor by itself: no Python of ours sees it."""
    note_pid(path)
    until(sign)
    script = f"head -c {megabytes * MEGABYTE} /dev/zero; printf '\\n{LAST_LINE}'"
    subprocess.run(["/bin/sh", "-c", script], check=True)


@job
def prints_for_ever(path: str, sign: str) -> None:
    note_pid(path)
    until(sign)
    for number in itertools.count():
        print(f"{number:099}")


@job
def prints_in_bursts(directory: str, bursts: int, lines: int) -> None:
    """Print numbered lines, and go on after each burst when a reader says so with a file."""
    numbers = itertools.count()
    for burst in range(bursts):
        sys.stdout.write("".join(f"{next(numbers):099}\n" for _ in range(lines)))
        sys.stdout.flush()
        until(f"{directory}/{burst}")


@job
def fills_the_disk(ctx: Context, path: str, sign: str, place: str) -> None:
    ctx.checkpoint("before", now=True)
    note_pid(path)
    until(sign)
    with open(place, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65_536)
