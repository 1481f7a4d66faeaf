"""jobs.json, the published view: one object, id → job.

The store is the truth. The file is for people and programs that read it, and for the first start beside a file of
the old system.
"""

import errno
import json
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from outlast.core.codec import decode
from outlast.core.errors import StoreBroken, UsageError
from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.view import job_object, result_told
from outlast.durable import replace_file, set_aside, sweep
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.published import Mark, Published

MOST_JOBS = 10_000
_PIECE = 10
"""So many lines are made in one go, which takes about a millisecond."""
_MOST_REMEMBERED_BYTES = 4_000
"""A finished job's line up to this size is kept for the next write: making it anew is what takes the time."""
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE})
"""Errors that tell nothing of the file: of this moment, this process or this mount."""

_log = logging.getLogger("outlast")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


class ViewFile:
    """Writes the newest jobs of a store to a file."""

    def __init__(self, store: SqliteStore, path: Path) -> None:
        self._store = store
        self._path = path
        self._remembered: dict[int, tuple[Mark, bytes]] = {}
        self._cause = ""
        self._is_ours = False
        self._said_it_is_cut = False

    def write(self) -> None:
        """Replace the file by what the store holds now. A failure is logged once per cause; the work goes on."""
        for _ in self.rewriting():
            pass

    def rewriting(self) -> Iterator[int]:
        """Do what `write` does piece by piece; yield how many lines each made. Every job is as it was at its piece."""
        marks = self._newest()
        known = {seq: self._remembered[seq][1] for seq, mark in marks if self._knows(seq, mark)}
        unknown = [seq for seq, _ in marks if seq not in known]
        for start in range(0, len(unknown), _PIECE):
            made = {each.job.seq: _line(each) for each in self._store.published(unknown[start : start + _PIECE])}
            known |= made
            yield len(made)
        self._remembered = {
            seq: (mark, known[seq])
            for seq, mark in marks
            if mark is not None and seq in known and len(known[seq]) <= _MOST_REMEMBERED_BYTES
        }
        self._replace(b"{\n" + b",\n".join(known[seq] for seq, _ in marks if seq in known) + b"\n}\n")

    def _replace(self, data: bytes) -> None:
        try:
            if not self._is_ours:
                sweep(self._path)
                load_view(self._path)
            replace_file(self._path, data)
        except OSError as error:
            cause = error.strerror or str(error)
            if cause != self._cause:
                _log.error("Could not save jobs to disk: %s: %s", self._path, cause)
            self._cause = cause
        else:
            self._is_ours = True
            self._cause = ""

    def _newest(self) -> Sequence[tuple[int, Mark | None]]:
        marks = self._store.newest(MOST_JOBS + 1)
        if len(marks) > MOST_JOBS and not self._said_it_is_cut:
            _log.info("%s shows the newest %s jobs; `outlast list` shows all.", self._path, f"{MOST_JOBS:,}")
            self._said_it_is_cut = True
        return marks[:MOST_JOBS]

    def _knows(self, seq: int, mark: Mark | None) -> bool:
        return mark is not None and seq in self._remembered and self._remembered[seq][0] == mark


def _line(published: Published) -> bytes:
    job = published.job
    shown = job_object(job)
    if published.size is not None:
        shown["result"] = result_told(job.id, published.size, published.sha256 or "")
    elif published.result is not None and "result" not in (job.extra or {}):
        # It is JSON already; only its place is needed.
        shown.pop("result", None)
        return _utf8(f'{_encode(job.id)}: {_encode(shown)[:-1]}, "result": {published.result}}}')
    return _utf8(f"{_encode(job.id)}: {_encode(shown)}")


def _utf8(text: str) -> bytes:
    # A lone surrogate, which an imported file may hold, becomes its JSON escape.
    return text.encode("utf-8", "backslashreplace")


def import_view(store: SqliteStore, path: Path) -> None:
    """Let `store`, if it is new, begin with the jobs of an old jobs.json; not yet opened, it reads them when it is."""
    store.begin_with(partial(_jobs_of, path))


def _jobs_of(path: Path, now: Moment) -> list[Job]:
    """Raise StoreBroken if the file cannot be read now: a store that begins without its jobs never gets them."""
    try:
        objects = load_view(path)
    except OSError as error:
        words = f"Could not load jobs from disk: {path}: {error.strerror}."
        raise StoreBroken(words, "Nothing was changed. Try again.") from error
    if objects:
        _log.info("Took over %s jobs of %s.", f"{len(objects):,}", path)
    from outlast.storage.imports import imported_jobs

    return imported_jobs(objects, now)


def load_view(path: Path) -> dict[str, Any]:
    """Return what a jobs.json holds, nothing if there is none; set a damaged one aside and say so.

    Raise OSError if it cannot be read just now, whatever it holds.
    """
    try:
        return read_view(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UsageError) as error:
        if isinstance(error, OSError) and error.errno in _PASSING:
            raise
        cause = error.strerror or error if isinstance(error, OSError) else error.message
        try:
            _log.warning("Could not load jobs from disk: %s: %s (now %s)", path, cause, set_aside(path).name)
        except OSError:
            _log.warning("Could not load jobs from disk: %s: %s", path, cause)
        return {}


def read_view(path: Path) -> dict[str, Any]:
    """Return what a jobs.json holds. Raise UsageError for one that is damaged, OSError for one that cannot be read."""
    # Without O_NONBLOCK a pipe in the file's place would be waited for, for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError("It is not a file.")
        raw = file.read()
    try:
        objects = decode(raw.decode("utf-8-sig"), "The file")
    except UnicodeDecodeError:
        raise UsageError("It is not UTF-8.") from None
    if not isinstance(objects, dict):
        raise UsageError("It is not a JSON object.")
    return objects
