"""Taking things away: a reset, old checklists, and leftovers that nobody needs."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

from outlast.core.errors import Busy
from outlast.jobstate import locks
from outlast.jobstate.faults import told
from outlast.jobstate.filebook import FileBook
from outlast.jobstate.places import ASIDE, JOURNAL, JSON, Places, checklists_in, journal_of, json_of
from outlast.jobstate.reading import Entry, read_entry

_KEPT_ASIDE_DAYS = 7
_TEMPORARY_SECONDS = 60
_BUSY_SECONDS = 9.0
_POLL_SECONDS = 0.002


def reset(json_path: str) -> bool:
    """Let a checklist begin anew, durably: its JSON is removed, as a person would; False if there was none.

    Its journal is set aside when the checklist is opened again.
    """
    try:
        with _locked(journal_of(json_path), locks.VIEW, seconds=_BUSY_SECONDS) as is_free:
            if not is_free:
                raise Busy(f"{json_path} is being written by another process.", "Try again.")
            os.unlink(json_path)
            _flush_directory(os.path.dirname(json_path))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise told(error, json_path) from error
    return True


def undo(book: object, json_path: str, activity: str) -> bool:
    """Let one activity be undone; False if it was neither completed, skipped nor failed."""
    assert isinstance(book, FileBook)
    if not os.path.exists(json_path):
        return False
    book.refresh()
    ledger = book.ledger
    if not any(activity in each for each in (ledger.completed, ledger.skipped, ledger.failed)):
        return False
    book.undo(activity)
    return True


def prune(places: Places, before: str, *, dry_run: bool) -> list[Entry]:
    """Remove the checklists of days before a date that nobody uses, and what is left of others; return them."""
    removed = []
    for directory in places.accounts():
        for path in list(checklists_in(directory)):
            if os.path.basename(path)[-15:-5] < before:
                entry = read_entry(path)
                if entry is not None and not entry.doing and (dry_run or _remove(path)):
                    removed.append(entry)
        if not dry_run:
            sweep(directory, before)
            with suppress(OSError):
                os.rmdir(directory)
    return removed


def _remove(json_path: str) -> bool:
    """Remove a checklist; False if somebody uses it just now."""
    journal_path = journal_of(json_path)
    try:
        with _locked(journal_path, locks.SETUP) as is_free:
            if is_free:
                os.unlink(json_path)
                with suppress(FileNotFoundError):
                    os.unlink(journal_path)
            return is_free
    except FileNotFoundError:
        return False
    except OSError as error:
        raise told(error, json_path) from error


def sweep(directory: str, before: str = "") -> None:
    """Remove what nobody needs: journals whose JSON is gone, killed writers' files, old files that were set aside.

    What was set aside goes after a week, or if it is from before a date.
    """
    with suppress(OSError), os.scandir(directory) as found:
        names = [entry.name for entry in found]
        for name in names:
            with suppress(OSError):
                _sweep_one(os.path.join(directory, name), name, set(names), before)


def _sweep_one(path: str, name: str, names: set[str], before: str) -> None:
    if aside := ASIDE.search(name):
        stamp = aside[0].partition("-")[2]
        day = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"
        if day < (before or time.strftime("%Y-%m-%d", time.gmtime(time.time() - _KEPT_ASIDE_DAYS * 86_400))):
            os.unlink(path)
    elif name.startswith(".") and name.endswith(".tmp"):
        with _locked(_journal_of_temporary(path), locks.VIEW) as is_free:
            if is_free and time.time() - os.stat(path).st_mtime > _TEMPORARY_SECONDS:
                os.unlink(path)
    elif name.startswith(".") and name.endswith(JOURNAL) and os.path.basename(json_of(path)) not in names:
        with _locked(path, locks.SETUP) as is_free:
            # Whoever makes a checklist holds this lock until its JSON is there.
            if is_free and not os.path.lexists(json_of(path)):
                os.unlink(path)


def _journal_of_temporary(path: str) -> str:
    """Return the journal whose lock is held by whoever writes a temporary file."""
    directory, name = os.path.split(path)
    return journal_of(os.path.join(directory, f"{name[1:].rpartition(JSON)[0]}{JSON}"))


@contextmanager
def _locked(journal_path: str, place: int, *, seconds: float = 0.0) -> Iterator[bool]:
    """Hold a lock of a journal that may be missing; False if another holds it all that time."""
    try:
        descriptor = os.open(journal_path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield True
        return
    try:
        deadline = monotonic() + seconds
        while not (is_free := locks.try_lock(descriptor, place)) and monotonic() < deadline:
            sleep(_POLL_SECONDS)
        yield is_free
    finally:
        os.close(descriptor)


def _flush_directory(path: str) -> None:
    from pathlib import Path

    from outlast.durable import fsync_directory

    fsync_directory(Path(path))
