"""The place of a trial: a data directory of its own, on the disk that is tried, and its processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic, sleep

from outlast.app import open_service
from outlast.core.findings import Level
from outlast.core.job import Job, ProcessIdentity
from outlast.core.query import Query
from outlast.engine.family import send_signal
from outlast.engine.identity import is_alive, start_ticks
from outlast.settings import load_settings
from outlast.upkeep.doctor import examine

_LOOK_SECONDS = 0.02
_LEAVING_SECONDS = 8.0


class Client:
    """A command line that submits one job, in a process that may be killed."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outlast", "submit", *command, "--key", name, "--json"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @property
    def is_over(self) -> bool:
        """True once it has ended, however."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()

    def answer(self) -> tuple[bool, str]:
        """Return whether the job was accepted, and what was said if it was not; wait for the end."""
        said, errors = self._process.communicate()
        try:
            return bool(json.loads(said)["job_id"]), ""
        except (ValueError, KeyError, TypeError):
            return False, errors.decode(errors="replace").strip()


class Arena:
    """A store that is tried. Leave it with `stop`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data_dir = directory / "data" / "jobs"
        settings = {
            "JOBS_DATA_DIR": str(self.data_dir),
            "OUTLAST_STORE": f"sqlite://{self.data_dir}/jobs.db",
            "OUTLAST_AUTOSTART": "1",
            "OUTLAST_MAX_CRASHES": "10000",
            "OUTLAST_RETENTION": "30d",
            "OUTLAST_GRACE": "1s",
        }
        self.environment = {**os.environ, **settings}
        self._settings = load_settings(settings)
        self.service = open_service(self._settings, client="crash-test")

    def submit(self, command: Sequence[str], name: str) -> Client:
        """Start the submission of a job."""
        return Client(command, self.environment, name)

    def running(self) -> list[ProcessIdentity]:
        """Return the processes of the jobs that run."""
        jobs = self.service.page(Query(), limit=100).jobs
        found = [self.service.details(job).process for job in jobs if job.status == "running"]
        return [process for process in found if process is not None and is_alive(process)]

    def supervisor(self) -> ProcessIdentity | None:
        """Return the supervisor, if one lives."""
        found = self.service.store.supervisor()
        return found if found is not None and is_alive(found) else None

    def wake(self) -> None:
        """Start a supervisor if there is none, as every command does that waits."""
        self.service.wait([])

    def jobs(self) -> list[Job]:
        """Return all jobs."""
        found: list[Job] = []
        cursor: str | None = None
        while True:
            page = self.service.page(Query(), cursor=cursor, limit=500)
            found += page.jobs
            cursor = page.next_cursor
            if cursor is None:
                return found

    def kill(self, victims: Iterable[ProcessIdentity]) -> int:
        """Kill processes at once, so that none can react to the death of another; return how many died."""
        dying = list(victims)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for victim in dying:
                send_signal(victim.pid, victim.start_ticks, number)
        while any(is_alive(victim) for victim in dying):  # SIGKILL cannot be refused
            sleep(_LOOK_SECONDS / 4)
        return len(dying)

    def living(self) -> dict[int, int]:
        """Return the processes of this place that live, by pid, with when they started."""
        mark = b"\0JOBS_DATA_DIR=" + os.fsencode(self.data_dir) + b"\0"
        found: dict[int, int] = {}
        for name in os.listdir("/proc") if sys.platform == "linux" else ():
            if name.isdecimal() and int(name) != os.getpid() and mark in b"\0" + _environment(int(name)):
                ticks = start_ticks(int(name))
                found |= {} if ticks is None else {int(name): ticks}
        return found

    def stop(self) -> list[int]:
        """Let the supervisor leave as an administrator would; return the pids that were left and are killed."""
        supervisor = self.supervisor()
        if supervisor is not None:
            send_signal(supervisor.pid, supervisor.start_ticks, signal.SIGTERM)
        deadline = monotonic() + _LEAVING_SECONDS
        while self.living() and monotonic() < deadline:
            sleep(_LOOK_SECONDS)
        left = self.living()
        for pid, ticks in left.items():
            send_signal(pid, ticks, signal.SIGKILL)
        return sorted(left)

    def problems(self) -> list[str]:
        """Return what the doctor says of the store and its files."""
        found = examine(self._settings)
        return [f"{each.name}: {each.says}" for each in found if each.level is Level.PROBLEM]

    def close(self) -> None:
        """Close the store."""
        self.service.close()


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
