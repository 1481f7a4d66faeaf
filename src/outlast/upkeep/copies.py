"""Copies of a store in files that a person names: a backup, an export, and what is taken in from one."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import outlast
from outlast.app import open_store, places_of, prepare_places, store_path
from outlast.core.errors import Refused, UsageError
from outlast.crashpoint import crash_point
from outlast.durable import fsync_directory, temporary_beside
from outlast.service import Service
from outlast.settings import Settings
from outlast.storage.exchange.exporting import Export
from outlast.storage.exchange.importing import Imported, Wishes, import_file
from outlast.storage.exchange.reading import is_export
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.sqlite.beside import SIDES, real_path
from outlast.storage.sqlite.existing import open_existing
from outlast.upkeep.outputs import begins_with, is_stream

__all__ = ["BackedUp", "Imported", "Wishes", "back_up", "export_pieces", "export_to", "take_in"]

_PAGES_AT_ONCE = 4_096
_SQLITE_MAGIC = b"SQLite format 3\0"
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """A backup that was made."""

    file: Path
    size: int
    jobs: int


def back_up(settings: Settings, target: Path) -> BackedUp:
    """Copy the store to a file, whole and checked, or leave the file as it is.

    Raise NotFound without a store, UsageError or Refused for a target that cannot be or must not be replaced.
    """
    named = target
    path, target = _checked(settings, target)
    if is_stream(target):
        raise UsageError(f"{target} is no file.", "Name a file; `outlast export -` writes to stdout.")
    if target.exists() and target.stat().st_size and not begins_with(target, _SQLITE_MAGIC):
        raise Refused(f"{target} is no backup, and is not overwritten.", "Name another file, or remove it.")
    if any(os.path.lexists(f"{target}{side}") for side in SIDES):
        raise Refused(f"{target} is a store that is in use.", "Name another file.")
    for _ in copy_store(path, target, pages=_PAGES_AT_ONCE):
        pass
    with contextlib.closing(open_existing(target)) as copy:
        jobs = copy.execute("SELECT count(*) FROM jobs")[0][0]
    return BackedUp(file=named, size=target.stat().st_size, jobs=jobs)


def export_pieces(settings: Settings, counts: dict[str, int]) -> Iterator[bytes]:
    """Yield an export in pieces; at the end `counts` holds how many lines of each type there are."""
    with contextlib.closing(open_store(settings, prepare_places(settings))) as store:
        export = Export(store.database, program=outlast.__version__)
        yield from export.pieces(store.now())
        counts.update(export.counts)


def export_to(settings: Settings, target: Path) -> dict[str, int]:
    """Write an export to a file, whole or not at all; return how many lines of each type there are."""
    _, target = _checked(settings, target)
    counts: dict[str, int] = {}
    if is_stream(target):
        with open(target, "wb") as file:
            file.writelines(export_pieces(settings, counts))
        return counts
    if target.exists() and target.stat().st_size and not _is_export(target):
        raise Refused(f"{target} is no export, and is not overwritten.", "Name another file, or remove it.")
    temporary = temporary_beside(target)
    try:
        with open(temporary, "xb") as file:
            file.writelines(export_pieces(settings, counts))
            file.flush()
            os.fsync(file.fileno())
        crash_point("export:written")
        os.replace(temporary, target)
        fsync_directory(target.parent)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    return counts


def take_in(service: Service, source: Path | BinaryIO, wishes: Wishes) -> Imported:
    """Add the jobs of a file to the store of a service; see `import_file`."""
    store = service.store
    if not isinstance(store, SqliteStore):
        raise Refused("This store takes nothing in.", "Import into a store of this machine.")
    with contextlib.ExitStack() as stack:
        if isinstance(source, Path):
            name, file = str(source), stack.enter_context(_opened(source))
        else:
            name, file = "stdin", source
        readable = stack.enter_context(_twice_readable(file))
        imported = import_file(store.database, readable, name, wishes, store.now())
    if imported.added or imported.history:
        service.announce()
    return imported


def _opened(path: Path) -> BinaryIO:
    try:
        # A pipe that nobody writes to would be waited for, for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UsageError(
            f"{path} does not exist.", "Name a file that `outlast export` wrote, or a jobs.json."
        ) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name a file that can be read.") from None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} is a directory.", "Name a file that `outlast export` wrote, or a jobs.json.")
    os.set_blocking(descriptor, True)
    return open(descriptor, "rb")


@contextlib.contextmanager
def _twice_readable(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a file that can be read from the start again; of a pipe, a copy."""
    if file.seekable():
        yield file
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(file, copy)
        yield copy  # type: ignore[misc]


def _checked(settings: Settings, target: Path) -> tuple[Path, Path]:
    """Return the store's file, and the file that a target leads to.

    Raise UsageError or Refused for a target that cannot be, or that is a part of the store.
    """
    path = store_path(settings, places_of(settings))
    # A file is replaced, never the link that leads to it.
    real = target if is_stream(target) else Path(os.path.realpath(target))
    if real.is_dir():
        raise UsageError(f"{target} is a directory.", "Name a file in it.")
    if not real.parent.is_dir():
        raise UsageError(f"{real.parent} is no directory.", "Make it first, or name another file.")
    if _is_same_file(path, real):
        raise Refused(f"{target} is the store itself.", "Name another file.")
    return path, real


def _is_same_file(path: Path, target: Path) -> bool:
    ours = {real_path(path), *(Path(f"{real_path(path)}{side}") for side in SIDES)}
    return real_path(target) in ours or target.absolute() in ours


def _is_export(path: Path) -> bool:
    with open(path, "rb") as file:
        return is_export(file)
