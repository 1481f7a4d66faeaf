"""The examination of a data directory: a table of checks, each a question and its answer."""

from collections.abc import Callable, Mapping

from outlast.core.errors import OutlastError
from outlast.core.findings import Finding
from outlast.settings import Settings
from outlast.upkeep import of_disk, of_processes, of_store, surroundings
from outlast.upkeep.patient import Patient, look_at, warning

CHECKS: dict[str, Callable[[Patient], Finding]] = {
    "versions": of_store.versions,
    "store": of_store.store,
    "jobs.json": of_store.view,
    "backup": of_store.backup,
    "clock": of_store.clock,
    "room": of_disk.room,
    "file system": of_disk.file_system,
    "permissions": of_disk.permissions,
    "leftovers": of_disk.half_written,
    "supervisor": of_processes.supervisor,
    "processes": of_processes.processes,
    "locks": of_processes.locks,
    "jobs": of_processes.stuck,
    "code": of_processes.code,
    "flushes": surroundings.preloads,
    "variables": surroundings.variables,
    "limits": surroundings.limits,
    "home": surroundings.home,
    "time zone": surroundings.time_zone,
    "container": surroundings.container,
    "logout": surroundings.login,
}
"""Every check, in the order in which it is told. None makes or changes anything."""


def examine(settings: Settings, environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Return what every check found. Nothing is made or changed."""
    return examined(look_at(settings, environ))


def examined(patient: Patient) -> list[Finding]:
    """Return what every check finds about a patient that was looked at."""
    return [_asked(name, check, patient) for name, check in CHECKS.items()]


def _asked(name: str, check: Callable[[Patient], Finding], patient: Patient) -> Finding:
    try:
        return check(patient)
    except (OSError, OutlastError) as error:
        return warning(name, f"It could not be looked at: {error}.", "Run it as the user whose jobs these are.")
