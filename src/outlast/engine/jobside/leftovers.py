"""What a job left behind in its process; a process with leftovers runs no other job."""

import contextlib
import os
import signal
import sys
import threading
from dataclasses import dataclass

_WATCHED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The state of a process that a job could change for the next one."""

    cwd: str
    umask: int
    environment: dict[str, str]
    handlers: tuple[object, ...]
    threads: int
    descriptors: frozenset[str]
    path: tuple[str, ...]

    @classmethod
    def now(cls) -> "Surroundings":
        """Return them as they are."""
        umask = os.umask(0o022)
        os.umask(umask)
        return cls(
            cwd=_cwd(),
            umask=umask,
            environment=dict(os.environ),
            handlers=tuple(signal.getsignal(number) for number in _WATCHED_SIGNALS),
            threads=threading.active_count(),
            descriptors=_descriptors(),
            path=tuple(sys.path),
        )

    def left_behind(self) -> list[str]:
        """Return the names of what differs now, child processes included; empty if the process is as it was."""
        now = Surroundings.now()
        names = [
            name
            for name in ("cwd", "umask", "environment", "handlers", "threads", "descriptors", "path")
            if getattr(self, name) != getattr(now, name)
        ]
        return names + (["processes"] if _has_children() else [])


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _descriptors() -> frozenset[str]:
    """Return the open descriptors, without those of this very look."""
    try:
        return frozenset(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))
    except OSError:
        return frozenset()


def _has_children() -> bool:
    """Tell whether a child lives; dead ones that the job never waited for are reaped on the way."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
    return False
