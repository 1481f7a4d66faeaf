"""What makes a process the supervisor: the lock, the signals, and being the parent of orphans."""

import fcntl
import os
import signal
import sys
from collections.abc import Callable
from time import monotonic, sleep

from outlast.core.errors import Busy
from outlast.core.places import Places

LEAVING_SECONDS = 10.0
RETRY_SECONDS = 0.02


class AnotherSupervises(Busy):
    """The supervisor lock of this store is taken."""


def take_lock(places: Places, is_taken: Callable[[], bool]) -> int:
    """Return the descriptor that holds the supervisor lock until it is closed. Raise AnotherSupervises.

    `is_taken` tells whether a supervisor is in office. One that has left its office but not yet its lock takes no new
    work any more: its end is awaited, or what was submitted since would find nobody.
    """
    descriptor = os.open(places.supervisor_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = monotonic() + LEAVING_SECONDS
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if is_taken() or monotonic() > deadline:
                os.close(descriptor)
                raise AnotherSupervises(f"Another supervisor works on {places.root}.", "It runs the jobs.") from None
        sleep(RETRY_SECONDS)


def become_reaper() -> None:
    """Become the parent of orphans below us, so that none is lost sight of (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, linux/prctl.h


def on_signals(on_stop: Callable[[], None]) -> int:
    """Let SIGTERM and SIGINT ask for a stop; return a descriptor that is readable after these and any child's death."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: on_stop())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader
