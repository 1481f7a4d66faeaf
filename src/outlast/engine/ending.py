"""Ending processes: ask, wait, kill, prove. Only then may the store say that a job has stopped."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from time import monotonic
from typing import Any

from outlast.core.job import Job, ProcessIdentity
from outlast.core.status import Intent
from outlast.engine.family import Family, Member, send_signal
from outlast.engine.identity import is_local
from outlast.engine.pool import JobProcess, Stage

LOOK_SECONDS = 0.01
"""How often a dying family is looked at."""
WAITING_SECONDS = 0.05
"""How long the end of a process on which no job hangs may wait for another commit."""
OUT_OF_REACH_SECONDS = 0.5
"""How often one is looked at that lives in another container: we cannot end it, and wait until it has ended."""


class Why(Enum):
    """Why a process ends, which decides what becomes of its job."""

    CRASH = auto()
    CANCEL = auto()
    PAUSE = auto()
    TIMEOUT = auto()
    MEMORY = auto()
    INTERRUPT = auto()
    RETIRE = auto()

    @classmethod
    def wanted(cls, intent: Intent) -> "Why":
        """Return what carries out the wish of a person."""
        return {Intent.CANCEL: cls.CANCEL, Intent.PAUSE: cls.PAUSE}[intent]


@dataclass(slots=True, eq=False)
class Ending:
    """One process on its way out. `job` is what it ran, None if nothing hangs on it; `words` tell more of why.

    `alone` says that nothing else can belong to it, so that nobody needs to be looked for.
    """

    process: JobProcess
    why: Why
    job: Job | None
    family: Family
    deadline: float
    lives: Callable[[ProcessIdentity], bool]
    actor: str = ""
    words: str = ""
    rebooted: bool = False
    alone: bool = False
    next_look: float = field(default_factory=monotonic)

    def advance(self) -> bool:
        """Do the next step; True once every member of the family is proven gone."""
        now = monotonic()
        if now < self.next_look or (now < self.deadline and self._leader_lives()):
            return False
        self.next_look = now + LOOK_SECONDS
        # Our own dead children leave the process table when we reap them; others are their parents' to reap.
        members = self._kill()
        if not all(member.is_dead and member.parent != os.getpid() for member in members):
            return False
        if not members and self._leader_lives():
            self.next_look = now + OUT_OF_REACH_SECONDS
        return not self._leader_lives()

    def _kill(self) -> list[Member]:
        if not self.alone:
            return self.family.kill()
        identity = self.process.identity
        send_signal(identity.pid, identity.start_ticks, signal.SIGKILL)
        return []

    def is_urgent(self) -> bool:
        """Tell whether its proof is to be written down at once: a job hangs on it, or it has waited for long enough."""
        return bool(self.process.jobs) or monotonic() > self.deadline + WAITING_SECONDS

    def hurry(self) -> None:
        """Wait no longer: the job's function has ended, or its process has died."""
        self.deadline = self.next_look = monotonic()

    def next_step(self) -> float:
        """Return when `advance` is worth calling again, on the monotonic clock."""
        return max(self.next_look, min(self.deadline, monotonic() + LOOK_SECONDS))

    def _leader_lives(self) -> bool:
        return self.process.exit_status is None and self.lives(self.process.identity)


class Undertaker:
    """All processes that are ending."""

    def __init__(self, grace_seconds: float, lives: Callable[[ProcessIdentity], bool]) -> None:
        self._grace_seconds = grace_seconds
        self._lives = lives
        self._endings: dict[str, Ending] = {}

    def __len__(self) -> int:
        return len(self._endings)

    def of(self, process: JobProcess) -> Ending | None:
        """Return the ending of a process, None if it is not ending."""
        return self._endings.get(process.identity.id)

    def begin(self, process: JobProcess, why: Why, **more: Any) -> Ending:
        """End a process: a running job is asked first and has the grace time, everything else is killed now.

        So is one that takes the machine's memory away. `more` are further fields of the ending.
        """
        job = process.begun()
        asks = job is not None and why not in (Why.CRASH, Why.MEMORY) and is_local(process.identity)
        ending = Ending(
            process=process,
            why=why,
            job=job,
            family=process.family,
            deadline=monotonic() + (self._grace_seconds if asks else 0.0),
            lives=self._lives,
            **more,
        )
        process.stage = Stage.ENDING
        self._endings[process.identity.id] = ending
        if asks:
            identity = process.identity
            send_signal(identity.pid, identity.start_ticks, signal.SIGTERM)
        return ending

    def buried(self) -> list[Ending]:
        """Return the endings whose processes are proven gone; they stay until `settle`."""
        return [ending for ending in list(self._endings.values()) if ending.advance()]

    def settle(self, ending: Ending) -> None:
        """Forget an ending: the store knows."""
        self._endings.pop(ending.process.identity.id, None)

    def seconds_to_next_step(self) -> float | None:
        """Return how long until something is to be done, None if nothing ends."""
        if not self._endings:
            return None
        return max(0.0, min(ending.next_step() for ending in self._endings.values()) - monotonic())
