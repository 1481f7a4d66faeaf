"""When the logs of jobs, and the supervisor's own, are looked at, so that none of them grows without bounds."""

import math
from pathlib import Path
from time import monotonic

from outlast.core.logfiles import MOST_BYTES
from outlast.core.places import Places
from outlast.engine.logcut import keep_short
from outlast.engine.pool import JobProcess, Pool, Stage

LOOK_SECONDS, HASTE_SECONDS = 0.1, 0.02
"""How often the logs of running jobs are looked at, and how often while one of them grows fast."""
FAST_BYTES = MOST_BYTES // 4
"""What a log has grown by since the last look if it grows fast."""
REST = 4
"""A look that took long, because much was to be cut, is followed by a pause of so many times its length."""
OWN_LOOK_SECONDS = 60.0
"""How often the supervisor's own log is looked at while no job runs."""
SHORT_MILLISECONDS = 5.0
"""In less time a job cannot write too much."""


class LogKeeper:
    """Keeps every log within two files of MOST_BYTES each; between two looks a writer may exceed that."""

    def __init__(self, places: Places, pool: Pool) -> None:
        self._places = places
        self._pool = pool
        self._job_of: dict[str, str] = {}
        self._sizes: dict[Path, int] = {}
        self._next_look = 0.0
        self._next_own_look = 0.0

    def seconds_to_look(self) -> float | None:
        """Return how long until the next look; None while no job runs: then the poll of the store is often enough."""
        return max(0.0, self._next_look - monotonic()) if self._writing() else None

    def look(self) -> None:
        """Look at the logs of running jobs, at most every so often, and cut what is too long."""
        began = monotonic()
        if began < self._next_look:
            return
        logs = [self._places.logs_of(job_id) for job_id in self._jobs_writing()]
        if logs or began >= self._next_own_look:
            logs.append(self._places.own_logs)
            self._next_own_look = began + OWN_LOOK_SECONDS
        sizes = {newer: keep_short(newer, older) for older, newer in logs}
        is_fast = any(size - self._sizes.get(log, 0) > FAST_BYTES for log, size in sizes.items())
        self._sizes = {log: size if size <= MOST_BYTES else 0 for log, size in sizes.items()}
        took = monotonic() - began
        self._next_look = began + max(HASTE_SECONDS if is_fast else LOOK_SECONDS, REST * took)

    def end(self, job_id: str, milliseconds: float = math.inf) -> None:
        """Look at the log of a job that has ended, after so long."""
        if milliseconds > SHORT_MILLISECONDS:
            older, newer = self._places.logs_of(job_id)
            keep_short(newer, older)

    def _jobs_writing(self) -> list[str]:
        """Return the jobs whose log somebody may be writing to, or was: what a job left behind, until it is dead."""
        known, self._job_of = self._job_of, {}
        for process in self._writing():
            name = process.identity.id
            job_id = process.job.id if process.job is not None else known.get(name)
            if job_id is not None:
                self._job_of[name] = job_id
        over = [job_id for name, job_id in known.items() if name not in self._job_of]
        return [*self._job_of.values(), *over]

    def _writing(self) -> list[JobProcess]:
        return self._pool.in_stage(Stage.BUSY, Stage.ENDING)
