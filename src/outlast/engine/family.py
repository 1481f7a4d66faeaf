"""All processes of a job: its process, its session, its descendants, and whatever carries its mark."""

import contextlib
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from outlast.core.job import ProcessIdentity
from outlast.engine.identity import boot_id, has_died, is_alive, is_local, stat_fields
from outlast.engine.launch import is_supervisor

MARK = "OUTLAST_PROCESS_ID"
LARGE = 16
MOST_ROUNDS = 50
"""Each round a family that forks has less room for it; this many are needed by none that a machine can hold."""


@dataclass(frozen=True, slots=True)
class Member:
    """A process seen in /proc; `ticks` tells it from a later one with the same pid, `is_dead` marks the unreaped."""

    pid: int
    parent: int
    session: int
    ticks: int
    is_dead: bool


class Family:
    """The processes that belong to one job process. It grows while it is looked at, and ends when all are gone.

    Descendants are remembered from look to look, so that one which loses its parent is not lost. This process is
    never a member, nor is any other supervisor, nor what descends from the job only through one: a job may have had to
    start its own, and may start another store's. In another container only the mark tells of a member, and only from
    outside of it.
    """

    def __init__(self, identity: ProcessIdentity) -> None:
        self._identity = identity
        self._is_local = is_local(identity)
        self._known: set[tuple[int, int]] = {(identity.pid, identity.start_ticks)} if self._is_local else set()
        # Of a leader that died unseen the pid, and with it the session, may have gone to a stranger since.
        self._knew_leader = is_alive(identity)

    def look(self) -> list[Member]:
        """Return the members that still stand in the process table, the dead included."""
        if self._identity.boot_id != boot_id():
            return []
        everyone = {member.pid: member for member in _everyone()}
        everyone.pop(os.getpid(), None)
        mark = f"{MARK}={self._identity.id}".encode()
        is_leader_known = self._knew_leader and self._leader_may_be_ours(everyone)
        roots = {
            pid
            for pid, member in everyone.items()
            if (pid, member.ticks) in self._known
            or (is_leader_known and member.session == self._identity.pid)
            or (not member.is_dead and _carries(pid, mark))
        }
        members = _descent(everyone, roots)
        self._known |= {(pid, everyone[pid].ticks) for pid in members}
        return [everyone[pid] for pid in members]

    def kill(self, number: signal.Signals = signal.SIGKILL) -> list[Member]:
        """Send a signal to every living member; return who was still there.

        All are stopped first: what forks all the time has children faster than they can be killed.
        """
        self._stop_group()
        members = self.look()
        if sum(not member.is_dead for member in members) > LARGE:
            self._stop({member.pid for member in members})
            members = self.look()
        for member in members:
            if not member.is_dead:
                send_signal(member.pid, member.ticks, number)
        return members

    def _stop_group(self) -> None:
        """Stop the process group of the job process in one call, those too that are just being forked.

        Only as long as the job process lives, so that its number is nobody else's.
        """
        if is_alive(self._identity):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._identity.pid, signal.SIGSTOP)

    def _stop(self, members: set[int]) -> None:
        """Stop all members until no new one appears. Each at first sight: a look at all takes long while they run."""
        stopped: set[tuple[int, int]] = set()
        for _ in range(MOST_ROUNDS):
            before = len(stopped)
            for member in _everyone():
                is_ours = member.pid in members or member.parent in members
                if is_ours and not member.is_dead and (member.pid, member.ticks) not in stopped:
                    if is_supervisor(member.pid):
                        continue
                    send_signal(member.pid, member.ticks, signal.SIGSTOP)
                    members.add(member.pid)
                    stopped.add((member.pid, member.ticks))
            if len(stopped) == before:
                return

    def _leader_may_be_ours(self, everyone: dict[int, Member]) -> bool:
        """Tell whether a session with our pid is ours: its leader is, or is gone (the kernel keeps the number)."""
        leader = everyone.get(self._identity.pid)
        return leader is None or leader.ticks == self._identity.start_ticks


def _descent(everyone: dict[int, Member], roots: set[int]) -> set[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for member in everyone.values():
        children[member.parent].append(member.pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += [child for child in children[pid] if not is_supervisor(child)]
    return found


def _everyone() -> Iterator[Member]:
    """Yield all processes, those first that have been there for longer, as far as pids tell."""
    if sys.platform != "linux":
        yield from _everyone_by_psutil()
        return
    for name in os.listdir("/proc"):
        if name.isdecimal() and (member := _member(int(name))) is not None:
            yield member


def _member(pid: int) -> Member | None:
    fields = stat_fields(pid)
    if fields is None:
        return None
    return Member(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        ticks=int(fields[19]),
        is_dead=has_died(fields),
    )


def _carries(pid: int, mark: bytes) -> bool:
    if sys.platform != "linux":
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def _everyone_by_psutil() -> Iterator[Member]:
    import psutil

    for process in psutil.process_iter(["ppid", "create_time", "status"]):
        with contextlib.suppress(psutil.Error, OSError):
            yield Member(
                pid=process.pid,
                parent=process.info["ppid"],
                session=os.getsid(process.pid),
                ticks=round(process.info["create_time"] * 1_000_000),
                is_dead=process.info["status"] == psutil.STATUS_ZOMBIE,
            )


def strangers(ours: set[int]) -> list[Member]:
    """Return our living children that we did not start: orphans of job processes that died (we are their reaper)."""
    return [
        member
        for member in _our_children()
        if member.pid not in ours and not member.is_dead and not is_supervisor(member.pid)
    ]


def _our_children() -> list[Member]:
    """Return our children, the dead included; by their names, which is quick, where the kernel keeps them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
            found = [_member(int(pid)) for pid in file.read().split()]
    except OSError:
        return [member for member in _everyone() if member.parent == os.getpid()]
    return [member for member in found if member is not None]


def send_signal(pid: int, ticks: int, number: signal.Signals) -> None:
    """Signal exactly this process, or nobody: between a look and a signal a pid may go to another."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if not hasattr(os, "pidfd_open"):
            os.kill(pid, number)
            return
        descriptor = os.pidfd_open(pid)
        try:
            fields = stat_fields(pid)
            if fields is not None and int(fields[19]) == ticks:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)
