"""The place of a trial: a data directory of its own, on the disk that is tried, and its processes."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from outlast import arena
from outlast.app import open_service
from outlast.core.findings import Level
from outlast.core.job import Job, ProcessIdentity
from outlast.core.query import Query
from outlast.engine.identity import is_alive
from outlast.settings import load_settings
from outlast.upkeep.doctor import examine


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

    def dismiss(self) -> list[int]:
        """Let the supervisor leave; return the pids that do not go with it."""
        return arena.dismiss(self.data_dir, self.supervisor())

    def stop(self) -> None:
        """End every process of this place."""
        arena.end(self.data_dir, self.supervisor())

    def problems(self) -> list[str]:
        """Return what the doctor says of the store and its files."""
        found = examine(self._settings)
        return [f"{each.name}: {each.says}" for each in found if each.level is Level.PROBLEM]

    def close(self) -> None:
        """Close the store."""
        self.service.close()
