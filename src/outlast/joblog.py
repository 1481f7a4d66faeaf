"""Reading a job's log: two files, whose contents are moved on under the reader's eyes.

A position counts the bytes of output from the very first on; it stays true whatever is cut off meanwhile.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from outlast.core.logfiles import LONGEST_LINE, MOST_BYTES, gone_before
from outlast.core.places import Places

_PATIENCE, _PAUSE_SECONDS = 50, 0.01
"""How often, and how soon, a log is looked at again that is just being cut."""

Mark = tuple[int, int, int]
"""Tells one older file from another."""


@dataclass(frozen=True, slots=True)
class _Older:
    """The older file: how much output came before it, the length of its first line, and its size."""

    mark: Mark
    gone: int = 0
    skipped: int = 0
    size: int = 0

    @property
    def end(self) -> int:
        """Where the newer file begins."""
        return self.gone + self.size - self.skipped


class JobLog:
    """The output of one job; there need not be any yet."""

    def __init__(self, places: Places, job_id: str) -> None:
        self._older_path, self._newer_path = places.logs_of(job_id)
        self._known: Mark | None = None

    def begin(self) -> int:
        """Return the position of the first byte that is kept."""
        return self._look().gone

    def end(self) -> int:
        """Return the position behind the last byte."""
        return self._look().end + _size_of(self._newer_path)

    def read(self, position: int, most: int) -> tuple[bytes, int]:
        """Return what stands from a position on, and the position behind it. What is gone by now is skipped.

        A log that was removed and begun again is read from its new beginning.
        """
        for _ in range(_PATIENCE):
            older = self._look()
            text, begin = self._read(older, max(position, older.gone), most)
            if self._mark() == older.mark:  # else it was cut between the look and the reading
                break
        return text, begin + len(text)

    def _read(self, older: _Older, position: int, most: int) -> tuple[bytes, int]:
        if position < older.end:
            return _piece(self._older_path, older.skipped + position - older.gone, most), position
        if position > older.end + _size_of(self._newer_path):
            position = older.end
        return _piece(self._newer_path, position - older.end, most), position

    def _look(self) -> _Older:
        """Return the older file as it is now; if it has just changed, once the newer one was cut as well."""
        older = self._read_older()
        for _ in range(_PATIENCE):
            if older.mark in (self._known, _NO_FILE) or _size_of(self._newer_path) <= MOST_BYTES:
                break
            time.sleep(_PAUSE_SECONDS)
            older = self._read_older()
        self._known = older.mark
        return older

    def _read_older(self) -> _Older:
        try:
            with open(self._older_path, "rb") as file:
                gone, skipped = gone_before(file.read(LONGEST_LINE))
                found = os.fstat(file.fileno())
        except OSError:
            return _Older(_NO_FILE)
        return _Older(_mark_of(found), gone, skipped, found.st_size)

    def _mark(self) -> Mark:
        try:
            return _mark_of(os.stat(self._older_path))
        except OSError:
            return _NO_FILE


_NO_FILE: Mark = (0, 0, 0)


def _mark_of(found: os.stat_result) -> Mark:
    return found.st_ino, found.st_mtime_ns, found.st_size


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _piece(path: Path, offset: int, most: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(most)
    except OSError:
        return b""
