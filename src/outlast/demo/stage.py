"""The place where the demo happens: a directory, its store, its processes, and what can be seen of them."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol

from outlast import arena
from outlast.app import open_service
from outlast.arena import LOOK_SECONDS
from outlast.backends import ServiceBackend
from outlast.client import Outlast
from outlast.core.job import Job, ProcessIdentity
from outlast.demo.activities import ACCOUNT, NAMES, TYPE, ten_activities
from outlast.demo.puzzles import ZEROS, KnownSearch
from outlast.jobstate import JobState
from outlast.pow.job import proof_of_work
from outlast.settings import BY_VARIABLE, load_settings

PATIENCE_SECONDS = 30.0
"""So long something may take to happen; on an idle machine everything takes two seconds at most."""
ACTIVITY_SECONDS = 0.3


class Missed(Exception):
    """What was waited for, to check `claim`, has not happened; the text says what and why."""

    def __init__(self, claim: str, text: str) -> None:
        super().__init__(text)
        self.claim = claim


class Audience(Protocol):
    """Who watches the demo."""

    def say(self, word: str, text: str) -> None:
        """Tell something that has happened."""

    def live(self, text: str) -> None:
        """Show how it stands, until the next word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What store and checklist say at one moment: how far both jobs are saved, and which processes there are."""

    search: Job
    activities: Job
    nonce: int
    steps: tuple[str, ...]
    search_process: ProcessIdentity | None
    activities_process: ProcessIdentity | None
    supervisor: ProcessIdentity | None


class Stage:
    """The demo's two jobs in a directory of their own. Leave it with `stop`."""

    def __init__(self, directory: Path, audience: Audience) -> None:
        self.directory = directory
        self.data_dir = directory / "data" / "jobs"
        self.witness = directory / "witness.txt"
        self.state = JobState(dir=directory / "sessions" / "job-state")
        self.day = self.state.today()
        self.checklist = Path(self.state.dir) / ACCOUNT / f"{TYPE}-{self.day}.json"
        self.service = open_service(load_settings(cwd=directory), client="demo")
        self.outlast = Outlast(backend=ServiceBackend(self.service))
        self._audience = audience
        self._seen: set[ProcessIdentity] = set()
        self.search_id = ""
        self.activities_id = ""

    def submit(self, known: KnownSearch) -> None:
        """Submit both jobs."""
        self.search_id = self.outlast.submit(proof_of_work, **asdict(known.request)).id
        self.activities_id = self.outlast.submit(
            ten_activities, self.day, self.state.dir, str(self.witness), ACTIVITY_SECONDS
        ).id

    def look(self) -> Sight:
        """Return how things stand now."""
        search, activities = self.service.get(self.search_id), self.service.get(self.activities_id)
        of_search, of_activities = self.service.details(search), self.service.details(activities)
        sight = Sight(
            search=search,
            activities=activities,
            nonce=_next_nonce(search, of_search.cursor),
            steps=tuple(name for entry in self.state.history(ACCOUNT, TYPE) for name in entry.completed),
            search_process=of_search.process,
            activities_process=of_activities.process,
            supervisor=self.service.store.supervisor(),
        )
        self._seen |= {identity for identity in _processes_of(sight) if identity is not None}
        return sight

    def until(
        self,
        claim: str,
        what: str,
        condition: Callable[[Sight], object],
        possible: Callable[[Sight], object] = lambda _: True,
    ) -> Sight:
        """Return the first sight of which `condition` holds. Raise Missed (of `claim`) when it is no longer
        `possible`, or when nothing at all has moved for long."""
        moved, stand = monotonic(), ""
        while not condition(sight := self.look()):
            if not possible(sight):
                raise Missed(claim, f"{what}: not seen before it was too late ({_stand(sight)})")
            if _stand(sight) != stand:
                moved, stand = monotonic(), _stand(sight)
            if monotonic() - moved > PATIENCE_SECONDS:
                raise Missed(claim, f"{what}: not seen, and nothing moved for {PATIENCE_SECONDS:g} s ({stand})")
            self._audience.live(f"{stand}; waiting for {what}")
            sleep(LOOK_SECONDS)
        return sight

    def kill(self, *victims: ProcessIdentity) -> None:
        """Send SIGKILL to processes of this stage, all at once, and return when all are dead."""
        arena.kill(victims)

    def testimony(self) -> list[str]:
        """Return the lines of the witness file."""
        return self.witness.read_text().splitlines() if self.witness.exists() else []

    def log_of(self, job: Job) -> str:
        """Return what a job has written to its log."""
        return "".join(path.read_text(errors="replace") for path in self.service.log_files(job))

    def stop(self, *, keep: bool) -> list[int]:
        """End every process of this stage and remove its directory (unless `keep`); return the pids that are left."""
        left = arena.end(self.data_dir, self.service.store.supervisor(), self._seen)
        self.service.close()
        if not keep:
            shutil.rmtree(self.directory)
        return left

    def living(self) -> dict[int, int]:
        """Return the processes of this stage that live, by pid, with when they started."""
        return arena.living(self.data_dir, self._seen)


@contextmanager
def private_environment(directory: Path) -> Iterator[None]:
    """Let nothing of the person's own settings and jobs reach the demo, or the other way round."""
    kept, home = dict(os.environ), os.getcwd()
    for name in filter(_is_ours, kept):
        del os.environ[name]
    os.environ.update(_settings(directory, kept))
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(home)
        os.environ.clear()
        os.environ.update(kept)


def _settings(directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    settings = {
        "JOBS_DATA_DIR": str(directory / "data" / "jobs"),
        "TARGET_DIFFICULTY_START": str(ZEROS),
        "OUTLAST_POW_SEARCH": "hashlib",  # the compiled search would be over before the first strike
        "OUTLAST_CONCURRENCY": "2",
        "OUTLAST_GRACE": "1s",
    }
    if "PYTHONPATH" in environment:  # relative entries would mean something else in the demo's directory
        entries = environment["PYTHONPATH"].split(os.pathsep)
        settings["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in entries if entry)
    return settings


def _is_ours(name: str) -> bool:
    return name in BY_VARIABLE or name.startswith("OUTLAST_")


def _next_nonce(search: Job, cursor: str | None) -> int:
    """Return the nonce before which everything is tried and saved; of a finished search the one behind the hit."""
    if search.status == "completed" and search.result is not None:
        return int(json.loads(search.result)["proof_of_work"]["nonce"]) + 1
    return 0 if cursor is None else int(json.loads(cursor)["nonce"])


def _processes_of(sight: Sight) -> tuple[ProcessIdentity | None, ...]:
    return (sight.search_process, sight.activities_process, sight.supervisor)


def _stand(sight: Sight) -> str:
    return f"saved: nonce {sight.nonce:,}, {len(sight.steps)} of {len(NAMES)} activities"
