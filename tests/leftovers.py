"""Which processes a test has left behind.

A test's processes carry its mark in their environment, or name its directory in their command line or environment.
Nothing else is ever taken for ours: other test runs on the same machine are strangers.
"""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

MARK_VARIABLE = "PYTEST_TEST_MARK"
PROCESS_ID_VARIABLE = "OUTLAST_PROCESS_ID"

_PROC = Path("/proc")
_KEPT_BY_PYTHON = b"multiprocessing."
"""The resource tracker and the fork server live as long as the whole run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A process that should be gone; `command` is its command line as a person would type it."""

    pid: int
    command: str

    def kill(self) -> None:
        """End it at once; do nothing if it is gone already."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def children() -> frozenset[int]:
    """Return the pids of this process's children, zombies left out."""
    found: set[int] = set()
    for listing in _PROC.glob("self/task/*/children"):
        found.update(int(pid) for pid in _read(listing).split())
    return frozenset(pid for pid in found if _read(_PROC / str(pid) / "cmdline"))


def left_behind(mark: str, directory: Path | None, *, children_before: frozenset[int]) -> list[Leftover]:
    """Return what a test left: processes with its mark, outlast's with its directory, and new children.

    Linux only; elsewhere nothing is found.
    """
    if not _PROC.joinpath("self").exists():
        return []
    new_children = children() - children_before
    found = []
    for pid in (int(name) for name in os.listdir(_PROC) if name.isdigit()):
        if pid == os.getpid():
            continue
        environment = _read(_PROC / str(pid) / "environ")
        command = _read(_PROC / str(pid) / "cmdline")
        ours = pid in new_children or _is_ours(environment, command, mark, directory)
        if ours and _KEPT_BY_PYTHON not in command:
            found.append(Leftover(pid=pid, command=_readable(command)))
    return found


def _is_ours(environment: bytes, command: bytes, mark: str, directory: Path | None) -> bool:
    if f"{MARK_VARIABLE}={mark}".encode() in environment.split(b"\0"):
        return True
    if directory is None:
        return False
    outlasts = f"{PROCESS_ID_VARIABLE}=".encode() in environment or b"outlast" in command
    return outlasts and (os.fsencode(directory) in environment or os.fsencode(directory) in command)


def _readable(command: bytes) -> str:
    return command.replace(b"\0", b" ").decode(errors="replace").strip()[:300]


def _read(path: Path) -> bytes:
    """Return the file's bytes, none for a process that is gone or another user's."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
