"""A data directory with its jobs, its supervisor and its job processes, as a test uses and breaks them."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from outlast.app import launch_of, open_service, prepare_places
from outlast.backends import ServiceBackend
from outlast.client import Handle, Outlast
from outlast.core.job import Details, Event, Job
from outlast.core.places import Places
from outlast.core.status import Status
from outlast.engine.launch import NOBODY
from outlast.functions import as_function, with_policy
from outlast.service import Service
from outlast.settings import Settings, load_settings
from tests import processes
from tests.processes import Seen
from tests.waiting import eventually

GRACE_SECONDS = 0.3
WAYS = ("warm", "forked")


class Workshop:
    """Everything around one data directory. The settings are those of the environment when it is first used.

    `forks`: every job has a forked process of its own, whatever it asks for.
    """

    def __init__(self, root: Path, *, forks: bool = False) -> None:
        self.root = root
        self.forks = forks

    @cached_property
    def settings(self) -> Settings:
        return load_settings({"JOBS_DATA_DIR": str(self.root)})

    @cached_property
    def places(self) -> Places:
        return prepare_places(self.settings)

    @cached_property
    def service(self) -> Service:
        return open_service(self.settings, client="library")

    @cached_property
    def outlast(self) -> Outlast:
        return Outlast(backend=ServiceBackend(self.service))

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Handle:
        """Submit a job, as `Outlast.submit`."""
        if self.forks:
            fn = with_policy(as_function(fn), isolation="process")
        return self.outlast.submit(fn, *args, **kwargs)

    def job(self, handle: Handle) -> Job:
        """Return the job as it is stored now."""
        return self.service.get(handle.id)

    def details(self, handle: Handle) -> Details:
        """Return the rest of the job."""
        return self.service.details(self.job(handle))

    def events(self, handle: Handle) -> list[str]:
        """Return the words of the job's history."""
        return [event.event for event in self.details(handle).events]

    def last(self, handle: Handle, word: str) -> Event:
        """Return the last event of this word."""
        return [event for event in self.details(handle).events if event.event == word][-1]

    def until(self, handle: Handle, *statuses: str, timeout: float = 20.0) -> Job:
        """Return the job once it has one of these statuses."""

        def look() -> Job | None:
            job = self.job(handle)
            return job if job.status in statuses else None

        return eventually(look, timeout=timeout, what=f"{handle.id} to be {' or '.join(statuses)}")

    def until_ended(self, handle: Handle, timeout: float = 20.0) -> Job:
        """Return the job once it has ended."""
        return self.until(handle, Status.COMPLETED, Status.FAILED, Status.CANCELLED, timeout=timeout)

    def process_of(self, handle: Handle) -> Seen:
        """Return the living process that runs the job."""

        def look() -> Seen | None:
            identity = self.details(handle).process
            return None if identity is None else processes.seen(identity.pid)

        return eventually(look, what=f"a process that runs {handle.id}")

    def marks(self, handle: Handle) -> list[str]:
        """Return the names of all processes that were given the job, in order."""
        return [str(event.detail["process"]) for event in self.details(handle).events if event.event == "claimed"]

    def supervisor(self) -> Seen:
        """Return the living supervisor that is in office."""

        def look() -> Seen | None:
            identity = self.service.store.supervisor()
            found = None if identity is None else processes.seen(identity.pid)
            return found if found is not None and identity and found.ticks == identity.start_ticks else None

        return eventually(look, timeout=30, what="a supervisor in office")

    def fork_servers(self) -> list[Seen]:
        """Return the fork servers of the supervisor in office."""
        ours = self.supervisor().pid
        return [server for server in processes.marked(NOBODY) if processes.parent_of(server.pid) == ours]

    def kill_supervisor(self) -> Seen:
        """End the supervisor with SIGKILL; return who it was, now dead."""
        return self.kill(self.supervisor())

    def start_supervisor(self) -> Seen:
        """Start a supervisor and return it, in office."""
        launch_of(self.settings, self.places).start()
        return self.supervisor()

    @staticmethod
    def kill(process: Seen, number: signal.Signals = signal.SIGKILL) -> Seen:
        """Kill a process and return it, now dead."""
        process.kill(number)
        eventually(lambda: not process.is_alive, what=f"the death of {process.pid}")
        return process

    def stop(self) -> None:
        """End every process of this directory at once and let go of the store."""

        def nobody() -> bool:
            # Looked at twice: a supervisor that a job process is just starting is neither for a moment.
            for _ in range(2):
                left = processes.supervisors(self.root) + processes.job_processes(self.root)
                for process in left:
                    process.kill()
                if left:
                    return False
            return True

        eventually(nobody, what="every process of the directory to die")
        if "service" in self.__dict__:
            self.service.close()


warm_and_forked = pytest.mark.parametrize(
    "workshop",
    [False, True] if "TORTURE_FORKED" in os.environ else [False],
    ids=lambda forks: WAYS[forks],
    indirect=True,
)
"""With TORTURE_FORKED=1 a test that has it runs once more, with jobs that each have a forked process of their own."""


@pytest.fixture
def workshop(request: pytest.FixtureRequest, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Return the workshop of this test, with a short grace time; its processes are killed afterwards."""
    monkeypatch.setenv("OUTLAST_GRACE", f"{round(GRACE_SECONDS * 1000)}ms")
    place = Workshop(data_dir, forks=getattr(request, "param", False))
    yield place
    place.stop()
