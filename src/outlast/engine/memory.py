"""How much memory jobs use, with all that they started; those over their limit are told of.

The resident memory of a process counts what it shares with others (the same library, or the pages of its parent after
a fork) as its own. That is quick to read and never too little, so it is what is read as a rule. Only a job that would
be over its limit by it is measured exactly: by its proportional share (PSS), which the kernel has to add up.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from time import monotonic

from outlast.core.sizes import format_size
from outlast.engine.launch import is_supervisor
from outlast.engine.pool import JobProcess, Pool, Stage

LOOK_SECONDS = 0.25
SHARE = 20
"""A look that takes long (thousands of processes) is followed by a pause of so many times its length."""
WARM_SHARE = 4
"""A job with a limit begins only in a process that uses less than this part of it."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Looks at the processes that run a job with a memory limit."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._next_look = 0.0

    def seconds_to_look(self) -> float | None:
        """Return how long until the next look, None if there is nothing to look at."""
        return max(0.0, self._next_look - monotonic()) if self._limited() else None

    def over(self) -> Iterator[tuple[JobProcess, str]]:
        """Yield the processes whose job uses more than it may, with the figures in words; at most every so often."""
        limited = self._limited()
        if not limited or monotonic() < self._next_look:
            return
        began = monotonic()
        for process, limit in limited:
            used = _used_by(process.identity.pid, limit)
            if used > limit and process.begun() is process.job:
                yield process, f"used {format_size(used)}, its limit is {format_size(limit)}"
        took = monotonic() - began
        self._next_look = began + max(LOOK_SECONDS, SHARE * took)

    def _limited(self) -> list[tuple[JobProcess, int]]:
        processes = self._pool.in_stage(Stage.BUSY, Stage.ENDING)
        limits = [(process, _limit_of(process)) for process in processes]
        return [(process, limit) for process, limit in limits if limit is not None]


def is_light(process: JobProcess, limit: int | None) -> bool:
    """Tell whether a job of this limit may begin in an idle process; in a fresh one it always may."""
    return limit is None or not process.jobs_run or WARM_SHARE * resident(process.identity.pid) <= limit


def resident(pid: int) -> int:
    """Return the bytes of memory a process has, what it shares with others included; 0 if it is gone."""
    if sys.platform != "linux":
        return _resident_by_psutil(pid)
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


def _used_by(leader: int, limit: int) -> int:
    """Return what a job process and its descendants use; exactly only if it may be more than `limit`."""
    pids = list(_family(leader))
    used = sum(map(resident, pids))
    return used if used <= limit else sum(map(_share_of, pids))


def _limit_of(process: JobProcess) -> int | None:
    return None if process.job is None else process.job.spec.policy.memory_limit_bytes


def _share_of(pid: int) -> int:
    """Return the proportional share of a process, or what it has if nobody says."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resident(pid)


def _family(leader: int) -> Iterator[int]:
    """Yield the process and its descendants, orphans included: a job process adopts those that it has (Linux).

    A supervisor that the job had to start is none of them.
    """
    if sys.platform != "linux":
        yield from _family_by_psutil(leader)
        return
    todo = [leader]
    while todo:
        pid = todo.pop()
        yield pid
        todo += [child for child in _children(pid) if not is_supervisor(child)]


def _children(pid: int) -> Iterable[int]:
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                yield from map(int, file.read().split())
    except OSError:  # the process, or one of its threads, has just ended
        return


def _resident_by_psutil(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _family_by_psutil(leader: int) -> list[int]:
    import psutil

    try:
        return [leader, *(child.pid for child in psutil.Process(leader).children(recursive=True))]
    except psutil.Error:
        return [leader]
