"""`outlast doctor --repair`: what can be mended is mended, a damaged store is rebuilt, and nothing is thrown away."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outlast.app import open_store
from outlast.core.errors import Refused, StoreDamaged, StoreGone, UsageError
from outlast.core.findings import Level
from outlast.durable import ensure_directory, leftovers, temporary_beside
from outlast.settings import Settings
from outlast.storage.exchange.importing import Wishes, import_objects
from outlast.storage.sqlite import replacing
from outlast.storage.sqlite.beside import SIDES, backup_of, real_path
from outlast.storage.sqlite.jobs import system_clock
from outlast.storage.sqlite.rebuilding import Rebuilding, Recovered, lines_of_view
from outlast.storage.sqlite.salvage import Wreck
from outlast.storage.view_file import ViewFile, read_view
from outlast.upkeep.alone import store_lock, supervisor_lock
from outlast.upkeep.of_disk import loose_files, temporary_files
from outlast.upkeep.of_processes import stale_locks
from outlast.upkeep.of_store import lost_jobs, view
from outlast.upkeep.patient import Patient, counted, few, look_at

_SOURCES = {"store": "the damaged store", "backup": "the backup", "jobs_json": "jobs.json"}
LARGEST_VIEW = 512 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Repaired:
    """What was done, in sentences; and if the store was rebuilt, where the damaged one is and what came of it."""

    done: list[str] = field(default_factory=list)
    kept: Path | None = None
    recovered: Recovered | None = None

    @property
    def is_whole(self) -> bool:
        """True if nothing is known to be lost."""
        return self.recovered is None or not (self.recovered.lost or self.recovered.unreadable or self.recovered.stubs)


def repair(settings: Settings, *, backup: Path | None = None) -> Repaired:
    """Mend what can be mended; rebuild a damaged store from what is readable of it, the backup and jobs.json.

    A sound store is never moved. Raise Refused while anybody works on it, and for another program's file; StoreNewer.
    """
    if backup is not None and not backup.is_file():
        raise UsageError(f"{backup} is no file.", "Name a file that `outlast backup` wrote.")
    repaired = Repaired()
    patient = look_at(settings)
    path = real_path(patient.path)
    if not _is_anything_there(patient):
        repaired.done.append(f"There is nothing in {patient.places.root} to repair.")
        return repaired
    with supervisor_lock(patient.places):
        if replacing.is_unfinished(path):
            repaired.kept = replacing.finish(path)
            repaired.done.append("The interrupted repair was finished.")
            patient = look_at(settings, holds_lock=True)
        if _needs_rebuilding(patient):
            _rebuild(patient, path, backup or backup_of(patient.path), repaired)
        elif patient.trouble is not None and not isinstance(patient.trouble, StoreGone):
            raise patient.trouble
        elif backup is not None:
            raise Refused(
                f"{path} is sound; nothing is taken from {backup}.", "outlast import adds the jobs of an export."
            )
        _mend(patient, repaired)
    return repaired


def _is_anything_there(patient: Patient) -> bool:
    places = (patient.path, real_path(patient.path), backup_of(patient.path), patient.places.view)
    return patient.places.root.is_dir() and any(os.path.lexists(place) for place in places)


def _needs_rebuilding(patient: Patient) -> bool:
    if isinstance(patient.trouble, StoreGone):
        return backup_of(patient.path).exists()
    no_file = os.path.lexists(patient.path) and not os.path.isfile(patient.path)
    return bool(patient.problems) or isinstance(patient.trouble, StoreDamaged) or no_file


def _rebuild(patient: Patient, path: Path, backup: Path, repaired: Repaired) -> None:
    new = temporary_beside(path)
    try:
        with store_lock(path) as descriptor:
            repaired.recovered = _rebuilt(patient, path, backup, new, descriptor)
            repaired.kept = replacing.replace_store(path, new)
    finally:
        # Once it is named by the marker, the next repair needs it.
        if not replacing.is_unfinished(path):
            with suppress(OSError):
                os.unlink(new)
    repaired.done += list(_told(repaired, path, repaired.recovered))


def _rebuilt(patient: Patient, path: Path, backup: Path, new: Path, descriptor: int | None) -> Recovered:
    with closing(Rebuilding(new, system_clock(), named=path)) as rebuilding, _wreck_of(backup) as copy:
        if copy is not None:
            rebuilding.learn(copy)
        if descriptor is not None:
            with closing(Wreck(descriptor, Path(f"{path}{SIDES[0]}"))) as wreck:
                for donor in (backup, new):
                    if not wreck.has_jobs:
                        wreck.take_description(donor)
                rebuilding.take_store(wreck, "store")
        if copy is not None:
            rebuilding.take_store(copy, "backup")
        rebuilding.take_view(_view_of(patient), "jobs_json")
        _make_alike(path, new)
        return rebuilding.finish()


def _make_alike(path: Path, new: Path) -> None:
    """Give the new file the mode of the old one, and its owner if root repairs it."""
    with suppress(OSError):
        found = os.stat(path)
        os.chmod(new, stat.S_IMODE(found.st_mode))
        os.chown(new, found.st_uid, found.st_gid)


@contextmanager
def _wreck_of(backup: Path) -> Iterator[Wreck | None]:
    try:
        descriptor = os.open(backup, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            yield None
            return
        yield stack.enter_context(closing(Wreck(descriptor, Path(f"{backup}{SIDES[0]}"))))


def _view_of(patient: Patient) -> dict[str, Any]:
    """Return the jobs of jobs.json; of a damaged one those that stand whole on a line of their own."""
    try:
        return read_view(patient.places.view)
    except UsageError:
        with open(patient.places.view, "rb") as file:
            return dict(lines_of_view(file.read(LARGEST_VIEW)))
    except OSError:
        return {}


def _told(repaired: Repaired, path: Path, recovered: Recovered) -> Iterator[str]:
    if repaired.kept is not None:
        yield f"The damaged store is kept as {repaired.kept}."
    jobs = sum(recovered.jobs.values())
    parts = [f"{number:,} of {_SOURCES[name]}" for name, number in recovered.jobs.items()]
    yield f"{path} is new and holds {counted(jobs, 'job', 'jobs')}{': ' if parts else ''}{', '.join(parts)}."
    if recovered.ended:
        yield f"jobs.json knew of the end of {counted(recovered.ended, 'job', 'jobs')} that ran in the store."
    if recovered.interrupted:
        words = counted(recovered.interrupted, "unfinished job has", "unfinished jobs have")
        yield f"{words} failed (interrupted); to go on from the last save: outlast retry --match reason:interrupted"
    if recovered.stubs:
        words = counted(recovered.stubs, "large result is", "large results are")
        yield f"{words} lost: jobs.json has only the size."
    if recovered.lost:
        yield f"Lost: {counted(len(recovered.lost), 'job', 'jobs')}: {few(recovered.lost, 20)}."
    if recovered.unreadable:
        yield f"Not all of its rows could be read, of these tables: {', '.join(sorted(recovered.unreadable))}."


def _mend(patient: Patient, repaired: Repaired) -> None:
    """Mend what lies around a sound store."""
    for directory, private in ((patient.places.logs, False), (patient.places.run, True)):
        if not directory.is_dir():
            ensure_directory(directory, private=private)
            repaired.done.append(f"{directory} was made.")
    for path in loose_files(patient):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(0o700 if path == patient.places.run else mode & ~0o002)
        repaired.done.append(f"Other users cannot write {path} any more.")
    # The new file of a repair that was killed is nobody's, however young.
    abandoned = {*temporary_files(patient), *leftovers(real_path(patient.path), older_than_seconds=-1.0)}
    _remove(sorted(abandoned), "temporary file", "temporary files", repaired)
    _remove(stale_locks(patient), "lock of a dead process", "locks of dead processes", repaired)
    if os.path.exists(patient.path):
        _mend_view(patient, repaired)


def _remove(paths: list[Path], one: str, many: str, repaired: Repaired) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if paths:
        repaired.done.append(f"{counted(len(paths), one, many)} removed.")


def _mend_view(patient: Patient, repaired: Repaired) -> None:
    """Take in the jobs that only jobs.json has, then write it from the store."""
    with closing(open_store(patient.settings, patient.places)) as store:
        lost = [] if repaired.recovered is not None else lost_jobs(patient)
        if lost:
            objects = {job_id: (patient.view or {})[job_id] for job_id in lost}
            added = import_objects(store.database, objects, Wishes(), store.now()).added
            repaired.done.append(f"{counted(added, 'job', 'jobs')} that only jobs.json had came into the store.")
        ViewFile(store, patient.places.view).write()
    if view(patient).level is not Level.OK or repaired.recovered is not None:
        repaired.done.append(f"{patient.places.view} was written anew.")
