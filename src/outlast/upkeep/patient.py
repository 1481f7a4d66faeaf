"""A data directory as the doctor sees it: looked at once, and nothing made or changed by it."""

import os
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outlast.app import places_of, store_path
from outlast.core.errors import OutlastError
from outlast.core.findings import Finding, Level
from outlast.core.moments import Moment
from outlast.core.places import Places
from outlast.engine.locks import holder_of
from outlast.settings import Settings
from outlast.storage.sqlite.examination import Facts, facts_of, problems_of, statuses_of
from outlast.storage.sqlite.existing import open_existing
from outlast.storage.sqlite.jobs import system_clock
from outlast.storage.view_file import MOST_JOBS, read_view


@dataclass(slots=True, kw_only=True)
class Patient:
    """What was found. `trouble` is why the store cannot be used, `problems` what is damaged in it.

    `view` is what jobs.json holds, `view_trouble` why it cannot be read. `supervisor` is the pid of the living one (0:
    it cannot be told), `processes` the pids of the living job processes by their names.
    """

    settings: Settings
    places: Places
    path: Path
    environ: Mapping[str, str]
    now: Moment = field(default_factory=system_clock)
    trouble: OutlastError | None = None
    problems: list[str] = field(default_factory=list)
    facts: Facts | None = None
    newest: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    view: dict[str, Any] | None = None
    view_trouble: str = ""
    supervisor: int | None = None
    processes: dict[str, int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """True if the store can be used and nothing in it is damaged."""
        return self.trouble is None and not self.problems

    def locks(self) -> list[Path]:
        """Return the lock files of job processes."""
        with suppress(OSError):
            return sorted(self.places.run.glob("p*.lock"))
        return []


def look_at(settings: Settings, environ: Mapping[str, str] | None = None, *, holds_lock: bool = False) -> Patient:
    """Return the data directory of the settings as it is.

    With `holds_lock` this process has made sure that nobody lives there; to ask once more would let go of that lock.
    """
    places = places_of(settings)
    patient = Patient(
        settings=settings,
        places=places,
        path=store_path(settings, places),
        environ=os.environ if environ is None else environ,
    )
    # First who lives: what they do meanwhile is then no surprise.
    if not holds_lock:
        _look_for_the_living(patient)
    _look_at_view(patient)
    _look_at_store(patient)
    return patient


def _look_for_the_living(patient: Patient) -> None:
    with suppress(OSError):
        patient.supervisor = holder_of(patient.places.supervisor_lock)
    for lock in patient.locks():
        with suppress(OSError):
            pid = holder_of(lock)
            if pid is not None:
                patient.processes[lock.stem] = pid


def _look_at_view(patient: Patient) -> None:
    try:
        patient.view = read_view(patient.places.view)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        patient.view_trouble = error.strerror or str(error)
    except OutlastError as error:
        patient.view_trouble = error.message


def _look_at_store(patient: Patient) -> None:
    with closing(open_existing(patient.path)) as database:
        try:
            patient.problems = problems_of(database)
            if patient.problems:
                database.abandon()
            else:
                patient.facts = facts_of(database)
                patient.newest, patient.known = statuses_of(database, patient.view or {}, newest=MOST_JOBS)
        except OutlastError as error:
            patient.trouble = error


def ok(name: str, says: str) -> Finding:
    """Return that all is well."""
    return Finding(name=name, level=Level.OK, says=says)


def warning(name: str, says: str, fix: str, *, mendable: bool = False) -> Finding:
    """Return something that should be known, and may do harm later."""
    return Finding(name=name, level=Level.WARNING, says=says, fix=fix, mendable=mendable)


def problem(name: str, says: str, fix: str, *, mendable: bool = False, unusable: bool = False) -> Finding:
    """Return something that does harm now."""
    return Finding(name=name, level=Level.PROBLEM, says=says, fix=fix, mendable=mendable, unusable=unusable)


def few(names: list[str], most: int = 3) -> str:
    """Return the first of some names in a sentence."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def counted(number: int, one: str, many: str) -> str:
    """Return `1 job` or `3 jobs`."""
    return f"1 {one}" if number == 1 else f"{number:,} {many}"
