"""A data directory whose processes are killed on purpose: what of it lives, and how all of it is ended."""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic, sleep

from outlast.core.job import ProcessIdentity
from outlast.engine.family import send_signal
from outlast.engine.identity import is_alive, start_ticks

LOOK_SECONDS = 0.02
_LEAVING_SECONDS = 5.0
_LOOKS_TO_BE_SURE = 3
"""A process that is just being started may be missed by one look."""


def kill(victims: Iterable[ProcessIdentity]) -> None:
    """Send SIGKILL to processes, all at once, and return when all are dead.

    They are frozen first: none may react to the death of another before it dies itself.
    """
    dying = list(victims)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for victim in dying:
            send_signal(victim.pid, victim.start_ticks, number)
    while any(is_alive(victim) for victim in dying):  # SIGKILL cannot be refused
        sleep(LOOK_SECONDS / 4)


def living(data_dir: Path, seen: Iterable[ProcessIdentity] = ()) -> dict[int, int]:
    """Return the processes of a data directory that live, by pid, with when they started.

    Those of Linux are found by their environment; elsewhere only those that were `seen` are known.
    """
    found = {identity.pid: identity.start_ticks for identity in seen if is_alive(identity)}
    if sys.platform == "linux":
        mark = b"\0JOBS_DATA_DIR=" + os.fsencode(data_dir) + b"\0"
        for name in os.listdir("/proc"):
            if name.isdecimal() and int(name) != os.getpid() and mark in b"\0" + _environment(int(name)):
                ticks = start_ticks(int(name))
                found |= {} if ticks is None else {int(name): ticks}
    return found


def dismiss(data_dir: Path, supervisor: ProcessIdentity | None, seen: Iterable[ProcessIdentity] = ()) -> list[int]:
    """Let the supervisor leave as an administrator would; return the pids that do not go with it in time."""
    if supervisor is None or not is_alive(supervisor):
        return sorted(living(data_dir, seen))
    send_signal(supervisor.pid, supervisor.start_ticks, signal.SIGTERM)
    return _left(data_dir, list(seen), lambda _: None)


def end(data_dir: Path, supervisor: ProcessIdentity | None, seen: Iterable[ProcessIdentity] = ()) -> list[int]:
    """Let the supervisor leave, and kill what does not; return the pids that are left all the same."""
    dismiss(data_dir, supervisor, seen)

    def strike(left: dict[int, int]) -> None:
        for pid, ticks in left.items():
            send_signal(pid, ticks, signal.SIGKILL)

    return _left(data_dir, list(seen), strike)


def _left(data_dir: Path, seen: list[ProcessIdentity], strike: Callable[[dict[int, int]], None]) -> list[int]:
    """Strike what lives until nothing does, or for long enough; return what lives then."""
    deadline, looks = monotonic() + _LEAVING_SECONDS, 0
    while (left := living(data_dir, seen)) or (looks := looks + 1) < _LOOKS_TO_BE_SURE:
        if monotonic() > deadline:
            break
        strike(left)
        sleep(LOOK_SECONDS)
    return sorted(left)


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
