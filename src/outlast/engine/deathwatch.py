"""Noticing that job processes die: children are reaped, adopted ones watched through the kernel."""

import os
import signal
from collections.abc import Callable
from time import monotonic

from outlast.core.job import ProcessIdentity
from outlast.engine.family import send_signal, strangers
from outlast.engine.identity import is_local
from outlast.engine.nursery import Forked, Nursery
from outlast.engine.pool import JobProcess, Pool, Stage
from outlast.engine.wire import Wire

LOOK_SECONDS = 1.0
"""How often it is looked whether a fork server keeps a death to itself."""


class Deathwatch:
    """Who has died since the last look."""

    def __init__(self, wire: Wire, pool: Pool, nursery: Nursery) -> None:
        self._wire = wire
        self._pool = pool
        self._nursery = nursery
        self._looked = 0.0
        self._dead: list[JobProcess] = []

    def watch(self, process: JobProcess) -> None:
        """Watch a process that is not our child, as far as the system lets us; its lock tells of the others."""
        if not hasattr(os, "pidfd_open") or not is_local(process.identity):
            return
        try:
            descriptor = os.pidfd_open(process.identity.pid)
        except ProcessLookupError:
            self._died(process)
            return
        process.watched = descriptor
        self._wire.watch(descriptor, lambda: self._died(process))

    def dead(self, lives: Callable[[ProcessIdentity], bool]) -> list[JobProcess]:
        """Return the processes that died since the last call; `lives` answers for those the kernel tells nothing of."""
        self._pool.take_in()
        self._reap()
        for process_id, status in self._nursery.deaths():
            if process := self._pool.get(process_id):
                self._ended(process, status)
        self._doubt()
        for process in self._pool.in_stage(Stage.BUSY):
            if process.child is None and process.watched < 0 and not lives(process.identity):
                self._died(process)
        dead, self._dead = self._dead, []
        return dead

    def kill_strangers(self) -> None:
        """Kill orphans that no mark ties to a job: only a dead job process can have left them to us."""
        ours = {process.identity.pid for process in self._pool} | self._nursery.pids()
        for member in strangers(ours):
            send_signal(member.pid, member.ticks, signal.SIGKILL)

    def _reap(self) -> None:
        """Collect every child that died: job processes, and orphans that came to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self._nursery.reaped(pid, code)
            for process in self._pool:
                if process.child is not None and process.child.pid == pid:
                    self._ended(process, code)

    def _doubt(self) -> None:
        """See that the deaths of forked processes are told."""
        if monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = monotonic()
        for process in self._pool:
            forked = process.child
            is_open = process.exit_status is None
            if isinstance(forked, Forked) and is_open and self._nursery.doubt(process.identity, forked):
                self._died(process)

    def _ended(self, process: JobProcess, status: int) -> None:
        """Note how a child of ours ended, or of a fork server; told twice, it has ended once."""
        if process.child is not None and process.exit_status is None:
            process.exit_status = process.child.returncode = status
            self._died(process)

    def _died(self, process: JobProcess) -> None:
        if process.watched >= 0:
            self._wire.unwatch(process.watched)
            os.close(process.watched)
            process.watched = -1
        self._dead.append(process)
