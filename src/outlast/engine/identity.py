"""Who a process is, and whether it still lives. A pid alone is no answer: it may be reused."""

import fcntl
import functools
import os
import sys
from pathlib import Path

from outlast.core.job import ProcessIdentity

_ON_LINUX = sys.platform == "linux"


@functools.cache
def boot_id() -> str:
    """Return a text that differs after each boot of this machine."""
    if _ON_LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    import psutil

    return str(round(psutil.boot_time()))


@functools.cache
def pid_namespace() -> str:
    """Return the name of the pid namespace of this process."""
    return os.readlink("/proc/self/ns/pid") if _ON_LINUX else "-"


def start_ticks(pid: int) -> int | None:
    """Return when `pid` started, in the unit of ProcessIdentity; None if it is gone or dead and not yet reaped."""
    if not _ON_LINUX:
        return _start_by_psutil(pid)
    fields = stat_fields(pid)
    return None if fields is None or has_died(fields) else int(fields[19])


def has_died(fields: list[bytes]) -> bool:
    """Tell from `stat_fields` whether a process is dead: it holds nothing any more and only waits to be reaped.

    One whose first thread has ended while others go on is called a zombie, too; field 20 counts its threads.
    """
    return fields[0] == b"X" or (fields[0] == b"Z" and int(fields[17]) <= 1)


def stat_fields(pid: int) -> list[bytes] | None:
    """Return /proc/PID/stat from the state on (proc(5): field 3), None if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    return text[text.rindex(b")") + 2 :].split()


def _start_by_psutil(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 1_000_000)
    except psutil.Error:
        return None


def identify(pid: int, process_id: str) -> ProcessIdentity | None:
    """Return the identity of a living process, None if it is gone."""
    ticks = start_ticks(pid)
    if ticks is None:
        return None
    return ProcessIdentity(id=process_id, pid=pid, start_ticks=ticks, boot_id=boot_id(), pid_namespace=pid_namespace())


def is_alive(identity: ProcessIdentity) -> bool:
    """Tell whether exactly this process runs here; False for another boot, another start, a zombie.

    A process of another pid namespace cannot be seen from here: its record lock answers for it (`holds_lock`).
    """
    return is_local(identity) and start_ticks(identity.pid) == identity.start_ticks


def is_local(identity: ProcessIdentity) -> bool:
    """Tell whether a pid means the same here: in another container, or before the last boot, it was somebody else's."""
    return identity.boot_id == boot_id() and identity.pid_namespace == pid_namespace()


def lives(identity: ProcessIdentity, lock: Path) -> bool:
    """Tell whether a job process lives: by its identity, or by the lock that the kernel holds for it."""
    return is_alive(identity) or holds_lock(lock)


def holds_lock(path: Path) -> bool:
    """Tell whether some process holds the record lock of `path`; never takes it away from this process itself."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
