"""Checks of the store and of its copies: jobs.db, jobs.json, the backup."""

import time
from contextlib import closing

import apsw

import outlast
from outlast.core.durations import format_duration
from outlast.core.errors import Busy, OutlastError, StoreDamaged, StoreGone
from outlast.core.findings import Finding
from outlast.storage.sqlite import schema
from outlast.storage.sqlite.backup import MOST_BYTES
from outlast.storage.sqlite.beside import backup_of
from outlast.storage.sqlite.examination import problems_of
from outlast.storage.sqlite.existing import open_existing
from outlast.upkeep.patient import Patient, counted, few, ok, problem, warning

REPAIR = "Run `outlast doctor --repair`."
OLDEST_BACKUP_SECONDS = 2 * 3600.0
VIEW_SECONDS = 15.0
"""So far jobs.json may be behind: it is written at most ten times as seldom as it takes."""
_RELEASED = 1_735_689_600_000
"""2025-01-01: no clock shows an earlier time unless it was never set."""
_SAFE_SQLITE = (3, 51, 3)
"""Earlier ones may damage a WAL store that several processes write (decision 0001)."""


def versions(patient: Patient) -> Finding:
    """Tell the versions of all that reads and writes the store."""
    import platform

    sqlite = apsw.sqlite_lib_version()
    says = (
        f"outlast {outlast.__version__}, Python {platform.python_version()}, apsw {apsw.apsw_version()} with SQLite"
        f" {sqlite}, schema {schema.VERSION}."
    )
    if tuple(int(part) for part in sqlite.split(".")) < _SAFE_SQLITE:
        return problem("versions", f"{says} This SQLite may damage stores.", "Upgrade: pip install -U apsw.")
    return ok("versions", says)


def store(patient: Patient) -> Finding:
    """Tell whether the store can be used, and whether its pages and rows are sound."""
    if patient.trouble is not None:
        return _trouble(patient, patient.trouble)
    if patient.problems:
        says = f"{patient.path} is damaged: {few(patient.problems)}."
        return problem("store", says, REPAIR, mendable=True, unusable=True)
    assert patient.facts is not None
    jobs = counted(sum(patient.facts.counts.values()), "job", "jobs")
    older = "" if patient.facts.version == schema.VERSION else f", schema {patient.facts.version}"
    return ok("store", f"{patient.path} is sound: {jobs}, {patient.facts.size / 1e6:,.1f} MB{older}.")


def _trouble(patient: Patient, error: OutlastError) -> Finding:
    if isinstance(error, StoreGone):
        return _missing(patient)
    if isinstance(error, Busy):
        return warning("store", error.message, error.fix)
    return problem("store", error.message, error.fix, mendable=isinstance(error, StoreDamaged), unusable=True)


def _missing(patient: Patient) -> Finding:
    has_copies = backup_of(patient.path).exists() or bool(patient.view)
    if has_copies:
        return problem("store", f"{patient.path} is missing, but there are copies of it.", REPAIR, mendable=True)
    return ok("store", f"There are no jobs in {patient.places.root} yet.")


def view(patient: Patient) -> Finding:
    """Tell whether jobs.json shows what the store holds."""
    path = patient.places.view
    if patient.view_trouble:
        return warning("jobs.json", f"{path} cannot be read: {patient.view_trouble}", REPAIR, mendable=True)
    if patient.facts is None:
        return ok("jobs.json", "Not compared." if patient.view else "There is none.")
    if patient.view is None:
        jobs = sum(patient.facts.counts.values())
        if not jobs or patient.supervisor is not None:
            return ok("jobs.json", "There is none yet.")
        return warning("jobs.json", f"{path} is missing.", REPAIR, mendable=True)
    lost = lost_jobs(patient)
    if lost:
        words = counted(len(lost), "job that the store does not have", "jobs that the store does not have")
        says = f"{path} shows {words}: {few(lost)}."
        return warning("jobs.json", says, "`outlast doctor --repair` takes them in.", mendable=True)
    return _agreement(patient)


def lost_jobs(patient: Patient) -> list[str]:
    """Return the jobs that only jobs.json has: changes of the store were lost, with its WAL for example."""
    return [
        job_id
        for job_id, shown in (patient.view or {}).items()
        if isinstance(shown, dict) and job_id not in patient.newest and job_id not in patient.known
    ]


def _agreement(patient: Patient) -> Finding:
    shown = {job_id: job.get("status") for job_id, job in (patient.view or {}).items() if isinstance(job, dict)}
    differing = [job_id for job_id, status in patient.newest.items() if shown.get(job_id) != status]
    newest = patient.facts.newest_change if patient.facts is not None else None
    is_young = newest is not None and abs(patient.now - newest) < VIEW_SECONDS * 1000
    if differing and not (is_young and patient.supervisor is not None):
        says = f"{patient.places.view} is behind the store in {counted(len(differing), 'job', 'jobs')}."
        return warning("jobs.json", says, REPAIR, mendable=True)
    return ok("jobs.json", f"It shows {counted(len(shown), 'job', 'jobs')} as the store has them.")


def backup(patient: Patient) -> Finding:
    """Tell how old the last good copy is, and whether it is good."""
    if not patient.settings.persist:
        return ok("backup", "Jobs are kept in memory only: there is no copy.")
    path = backup_of(patient.path)
    if patient.facts is not None and patient.facts.size > MOST_BYTES:
        size = f"{MOST_BYTES // 1024**2:,} MB"
        return ok("backup", f"The store has over {size} and is not copied by itself: use `outlast backup FILE`.")
    try:
        written = path.stat().st_mtime
    except OSError:
        return _no_backup(patient)
    try:
        with closing(open_existing(path)) as database:
            problems = problems_of(database)
    except OutlastError as error:
        return warning("backup", error.message, "Move it away; the supervisor makes a new one.")
    if problems:
        says = f"{path} is damaged: {few(problems)}."
        return warning("backup", says, "Move it away; the supervisor makes a new one.")
    return _age(patient, max(0.0, time.time() - written))


def _no_backup(patient: Patient) -> Finding:
    jobs = 0 if patient.facts is None else sum(patient.facts.counts.values())
    if jobs and patient.supervisor is not None:
        return warning("backup", "There is no copy of the store yet.", "Wait a minute; then see logs/supervisor.log.")
    return ok("backup", "There is no copy yet: the supervisor makes one when it starts.")


def _age(patient: Patient, seconds: float) -> Finding:
    says = f"The last good copy is {format_duration(seconds)} old."
    if patient.supervisor is not None and seconds > OLDEST_BACKUP_SECONDS and _changed_since(patient, seconds):
        return warning("backup", says, "logs/supervisor.log says why there is no newer one.")
    return ok("backup", says)


def _changed_since(patient: Patient, seconds: float) -> bool:
    newest = None if patient.facts is None else patient.facts.newest_change
    return newest is not None and newest > patient.now - seconds * 1000


def clock(patient: Patient) -> Finding:
    """Tell whether the clock has gone back behind what the store remembers."""
    newest = None if patient.facts is None else patient.facts.newest_change
    if newest is not None and newest > patient.now + 60_000:
        ahead = format_duration((newest - patient.now) / 1000)
        says = f"The newest change in the store is {ahead} ahead of this clock: it went back, or was ahead before."
        return warning("clock", says, "Set the clock (NTP). Waits end by the clock as it is now.")
    if patient.now < _RELEASED:
        return problem("clock", "The clock shows a time before this program was written.", "Set the clock (NTP).")
    return ok("clock", "No change in the store is ahead of it.")
