"""The job processes: started for a home, idle, busy, ending. One job at a time each."""

import json
import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from time import monotonic

from outlast.core.job import Home, Job, ProcessIdentity
from outlast.core.places import Places
from outlast.engine.family import Family
from outlast.engine.identity import identify
from outlast.engine.jobside.turnstile import Gate
from outlast.engine.launch import MARKS, NOBODY, PACKAGE_ROOT, Launch, open_log
from outlast.engine.nursery import NO_ROOM, Forked, Nursery
from outlast.engine.pace import Pace
from outlast.engine.wire import Connection

MOST_FAILED_STARTS = 3
HELLO_SECONDS = 60.0
"""A process that has not said hello by then is taken for broken."""

_BOOT = (
    "import sys,os,json\n"
    "boot=json.loads(os.environ['OUTLAST_BOOT'])\n"
    "sys.path[:]=[*boot['path'],boot['root']]\n"
    "from outlast.engine.jobside.{} import main\n"
    "main()\n"
)


class Stage(Enum):
    STARTING = auto()
    IDLE = auto()
    BUSY = auto()
    ENDING = auto()


@dataclass(frozen=True, slots=True)
class Lodging:
    """What two jobs must share to share a process."""

    home: Home
    once: bool

    @classmethod
    def of(cls, job: Job) -> "Lodging":
        return cls(job.spec.home, job.spec.policy.isolation == "process")

    def __hash__(self) -> int:
        return hash((self.home.interpreter, self.home.cwd, self.once))


@dataclass(slots=True, eq=False)
class JobProcess:
    """One job process as the supervisor knows it. `lodging` is None for one that an earlier supervisor started."""

    identity: ProcessIdentity
    lodging: Lodging | None
    stage: Stage
    watched: int = -1
    child: "subprocess.Popen[bytes] | Forked | None" = None
    connection: Connection | None = None
    jobs: dict[int, Job] = field(default_factory=dict)
    handed: int = 0
    gate: Gate | None = None
    family: Family = field(init=False)
    began: float = 0.0
    since: float = field(default_factory=monotonic)
    exit_status: int | None = None
    is_recorded: bool = False
    jobs_run: int = 0

    def __post_init__(self) -> None:
        self.family = Family(self.identity)

    @property
    def job(self) -> Job | None:
        """The job that runs, or runs next: the first that was handed over and has not ended."""
        return next(iter(self.jobs.values()), None)

    def seconds_left(self) -> float | None:
        """Return how long the process may go on with its job, None without a limit."""
        if self.job is None or self.job.spec.policy.timeout_seconds is None:
            return None
        return self.began + self.job.spec.policy.timeout_seconds - monotonic()

    def take(self, job: Job) -> int:
        """Note that a job is handed over; return its number in this process."""
        self.handed += 1
        self.jobs[self.handed] = job
        return self.handed

    def number_of(self, job_id: str, attempt: int) -> int | None:
        """Return the number of this attempt at a job, None if the process does not have it."""
        for number, job in self.jobs.items():
            if job.id == job_id and job.attempt == attempt:
                return number
        return None

    def begun(self) -> Job | None:
        """Return the job that has begun and not ended; of an unknown past the first."""
        if self.gate is None:
            return self.job
        try:
            last = self.gate.begun()
        except OSError:
            return self.job
        number = None if last is None else self.number_of(last.job_id, last.attempt)
        return None if number is None else self.jobs[number]

    def take_back(self) -> list[int]:
        """Close the turnstile for all that has not begun; return the numbers of those jobs."""
        if self.gate is None or self.connection is None or len(self.jobs) < 2:
            return []  # one that was adopted numbers its jobs itself, and has not said how yet
        try:
            last = self.gate.close_for(self.handed)
        except OSError:  # the process was stopped inside the turnstile, or is gone: its end will tell
            return []
        begun = None if last is None else self.number_of(last.job_id, last.attempt)
        if begun is None:
            return [number for number in self.jobs if last is None or number > last.number]
        return [number for number in self.jobs if number > begun]


class CannotStart(Exception):
    """A process could not be started for a home; the text says why."""


class Starter:
    """Starts job processes of one store: each a fresh interpreter, or, if it is for one job only, forked.

    Both begin with the same environment, in a session of their own, their output in the supervisor's log.
    """

    def __init__(self, places: Places, launch: Launch, nursery: Nursery) -> None:
        self._places = places
        self._launch = launch
        self._nursery = nursery
        self._umask = os.umask(0o077)
        os.umask(self._umask)

    def start(self, lodging: Lodging) -> JobProcess | None:
        """Start a process; None if it is being forked, and comes with `forked`.

        Raise CannotStart with the cause, OSError (EAGAIN, ENOMEM, EMFILE) if the machine has no room right now.
        """
        # What a server forked and could not report has the id that was asked for: the next one needs another.
        return None if self.fork(lodging) else self._process(lodging, *self._start(lodging, _new_id()))

    def fork(self, lodging: Lodging) -> bool:
        """Have a process forked, for next to nothing; False if that cannot be done. Raise OSError as `start`."""
        start = lambda control: self._spawn(lodging, NOBODY, control)  # noqa: E731
        return lodging.once and self._nursery.ask(lodging, _new_id(), start)

    def forking(self) -> list[Lodging]:
        """Return for whom processes are being forked."""
        return [home for home in self._nursery.asked() if isinstance(home, Lodging)]

    def forked(self) -> list[JobProcess]:
        """Return the processes that were forked since the last call."""
        births = self._nursery.births()
        return [self._process(home, identity, it) for home, identity, it in births if isinstance(home, Lodging)]

    def await_fork(self, process_id: str) -> None:
        """Wait until it is known whether the process of that id was forked, if it is being forked."""
        self._nursery.await_birth(process_id)

    def _process(
        self, lodging: Lodging, identity: ProcessIdentity, child: "subprocess.Popen[bytes] | Forked"
    ) -> JobProcess:
        gate = Gate(self._places.process_lock(identity.id))
        return JobProcess(identity, lodging, Stage.STARTING, child=child, gate=gate)

    def _start(self, lodging: Lodging, process_id: str) -> "tuple[ProcessIdentity, subprocess.Popen[bytes]]":
        interpreter = lodging.home.interpreter
        try:
            child = self._spawn(lodging, process_id)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise
            raise CannotStart(f"{error.filename or interpreter}: {error.strerror}") from None
        identity = identify(child.pid, process_id)
        if identity is None:
            child.wait()
            raise CannotStart(f"{interpreter} ended at once.")
        return identity, child

    def _spawn(self, lodging: Lodging, process_id: str, *control: int) -> "subprocess.Popen[bytes]":
        """Start an interpreter that becomes a job process, or the fork server at the end of a line."""
        log = open_log(str(self._places.supervisor_log))
        try:
            return subprocess.Popen(
                [lodging.home.interpreter, "-P", "-c", _BOOT.format("forkserver" if control else "main")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=lodging.home.cwd,
                env=self._environment(lodging, process_id, control),
                start_new_session=True,
                pass_fds=control,
            )
        finally:
            os.close(log)

    def _environment(self, lodging: Lodging, process_id: str, control: tuple[int, ...]) -> dict[str, str]:
        home = lodging.home
        boot = {
            "process": process_id,
            "socket": str(self._places.socket),
            "lock": str(self._places.process_lock(process_id)),
            "path": list(home.path),
            "root": PACKAGE_ROOT,
            "umask": self._umask,
            "once": lodging.once,
            "launch": self._launch.as_json(),
        }
        if control:
            boot |= {"control": control[0], "supervisor": os.getpid(), "cwd": home.cwd}
        not_ours = (self._launch.settings.keys() - {"DATABASE_URL"}) | set(MARKS)
        environment = {name: value for name, value in os.environ.items() if name not in not_ours}
        environment.update(home.env)
        environment.update({"OUTLAST_PROCESS_ID": process_id, "OUTLAST_BOOT": json.dumps(boot)})
        return environment


def _new_id() -> str:
    return "p" + os.urandom(8).hex()


class Pool:
    """The processes of this supervisor and those it adopted."""

    def __init__(self, starter: Starter, size: int) -> None:
        self.size = size
        self._starter = starter
        self._by_id: dict[str, JobProcess] = {}
        self._failed_starts: list[Lodging] = []
        self.pace = Pace()

    def __iter__(self) -> Iterator[JobProcess]:
        return iter(list(self._by_id.values()))

    def get(self, process_id: str) -> JobProcess | None:
        """Return the process of that name."""
        return self._by_id.get(process_id)

    def add(self, process: JobProcess) -> None:
        """Take in a process."""
        self._by_id[process.identity.id] = process

    def remove(self, process: JobProcess) -> None:
        """Let go of a dead process."""
        self._by_id.pop(process.identity.id, None)

    def in_stage(self, *stages: Stage) -> list[JobProcess]:
        """Return the processes in one of these stages."""
        return [process for process in self._by_id.values() if process.stage in stages]

    def note_start(self, process: JobProcess) -> None:
        """Note how a start went: the process said hello, or ended by itself before that."""
        if process.stage is Stage.IDLE:
            self._failed_starts = [lodging for lodging in self._failed_starts if lodging != process.lodging]
        elif process.stage is Stage.STARTING and process.lodging is not None and (process.exit_status or 0) > 0:
            self._failed_starts.append(process.lodging)

    def gives_up(self, lodging: Lodging) -> bool:
        """Tell whether processes of this home ended at their start again and again; asked once, it starts anew."""
        if self._failed_starts.count(lodging) < MOST_FAILED_STARTS:
            return False
        self._failed_starts = [other for other in self._failed_starts if other != lodging]
        return True

    def start(self, lodging: Lodging) -> None:
        """Start a process, and take it in, now or when it is forked; raises as Starter.start does."""
        process = self._starter.start(lodging)
        if process is not None:
            self.add(process)

    def start_spare(self, lodging: Lodging) -> None:
        """Start a process that nobody waits for, if it costs next to nothing. Raise OSError as `start`."""
        self._starter.fork(lodging)

    def coming(self, arrived: Collection[JobProcess] = ()) -> list[Lodging]:
        """Return for whom processes are on their way: being forked, or starting; but for those that have `arrived`."""
        starting = [process for process in self.in_stage(Stage.STARTING) if process not in arrived]
        return [process.lodging for process in starting if process.lodging is not None] + self._starter.forking()

    def take_in(self) -> None:
        """Take in the processes that were forked."""
        for process in self._starter.forked():
            self.add(process)

    def meet(self, process_id: str) -> None:
        """Take in the process of that name, which may speak for the first time before it is known to be forked."""
        if process_id not in self._by_id:
            self._starter.await_fork(process_id)
            self.take_in()
