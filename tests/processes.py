"""Processes as /proc shows them: who carries a mark, who belongs to a directory, who still is who he was."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from outlast.engine.launch import NOBODY

MARK = "OUTLAST_PROCESS_ID"
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Seen:
    """A process that was seen once; `ticks` tells it from a later one with the same pid."""

    pid: int
    ticks: int

    @property
    def is_alive(self) -> bool:
        """True while exactly this process runs; a zombie is dead."""
        return seen(self.pid) == self

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal it; do nothing if it is gone."""
        with contextlib.suppress(ProcessLookupError):
            if self.is_alive:
                os.kill(self.pid, number)


def seen(pid: int) -> Seen | None:
    """Return the living process with this pid."""
    text = _read(pid, "stat")
    fields = text[text.rfind(b")") + 2 :].split()
    return None if not fields or fields[0] in (b"Z", b"X") else Seen(pid, int(fields[19]))


def session_of(pid: int) -> int | None:
    """Return the session of a process, None if it is gone."""
    text = _read(pid, "stat")
    fields = text[text.rfind(b")") + 2 :].split()
    return int(fields[3]) if fields else None


def parent_of(pid: int) -> int | None:
    """Return the parent of a process, None if it is gone."""
    text = _read(pid, "stat")
    fields = text[text.rfind(b")") + 2 :].split()
    return int(fields[1]) if fields else None


def marked(process_id: str) -> list[Seen]:
    """Return the living processes that carry the mark of one job process."""
    mark = f"{MARK}={process_id}".encode()
    return [process for process in _everyone() if mark in _read(process.pid, "environ").split(b"\0")]


def job_processes(root: Path) -> list[Seen]:
    """Return the living job processes of a data directory, and what they started with their environment."""
    place = os.fsencode(root)
    found = []
    for process in _everyone():
        environment = _read(process.pid, "environ")
        if f"\0{MARK}=".encode() in b"\0" + environment and place in environment:
            found.append(process)
    return found


def fork_servers(root: Path) -> list[Seen]:
    """Return the living fork servers of a data directory."""
    mark = f"\0{MARK}={NOBODY}\0".encode()
    return [process for process in job_processes(root) if mark in b"\0" + _read(process.pid, "environ")]


def supervisors(root: Path) -> list[Seen]:
    """Return the living supervisors that were started for a data directory, also those still on their way."""
    place = b"\0JOBS_DATA_DIR=" + os.fsencode(root) + b"\0"
    return [
        process
        for process in _everyone()
        if b"supervise_detached" in _read(process.pid, "cmdline")
        and place in b"\0" + _read(process.pid, "environ") + b"\0"
    ]


def _everyone() -> list[Seen]:
    found = (seen(int(name)) for name in os.listdir(_PROC) if name.isdigit() and int(name) != os.getpid())
    return [process for process in found if process is not None]


def _read(pid: int, what: str) -> bytes:
    try:
        return (_PROC / str(pid) / what).read_bytes()
    except OSError:
        return b""
