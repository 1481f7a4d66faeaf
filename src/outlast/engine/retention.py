"""How long finished jobs stay: what a supervisor removes by itself, a little at a time."""

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from outlast.core.ports import Supervision
from outlast.core.trust import Reading, Trust, look
from outlast.engine.chores import Chore
from outlast.engine.identity import boot_id

log = logging.getLogger("outlast")

BATCH = 100
"""So many jobs at once take a few milliseconds."""
PAGES_AT_ONCE = 500
LOOK_SECONDS = 60.0
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long ends stay that were read, and those that were not, and what is known of removed jobs; None: for ever."""

    read_seconds: float | None
    unread_seconds: float | None
    history_seconds: float | None

    def chore(self, retention: "Retention") -> Chore:
        """Return the chore; a shorter time than usual is looked at more often."""
        given = [seconds for seconds in asdict(self).values() if seconds is not None]
        every = max(1.0, min([LOOK_SECONDS, *(seconds / 4 for seconds in given)]))
        return Chore(name="remove old jobs", every_seconds=every, work=retention.work)


class Retention:
    """Removes what is old enough, while the clock can be believed."""

    def __init__(
        self,
        store: Supervision,
        terms: Terms,
        *,
        forget_files: Callable[[Sequence[str]], None],
        trust_file: Path,
        read_clock: Callable[[], Reading] | None = None,
    ) -> None:
        self._store = store
        self._terms = terms
        self._forget_files = forget_files
        self._trust_file = trust_file
        self._read_clock = read_clock or read_clock_of_this_machine
        self._trust = _read(trust_file)
        self._is_paused = False

    def work(self) -> bool:
        """Remove a few jobs, or what is left of jobs removed long ago, or give space back; tell whether it did."""
        if not self._clock_is_believed():
            return False
        terms = self._terms
        return (
            self._prune(terms.read_seconds, read=True)
            or self._prune(terms.unread_seconds, read=False)
            or self._forget(terms.history_seconds)
            or self._store.give_back(PAGES_AT_ONCE)
        )

    def _prune(self, seconds: float | None, *, read: bool) -> bool:
        if seconds is None:
            return False
        with self._store.batch():
            gone = self._store.prune(older_than_seconds=seconds, limit=BATCH, read=read)
            self._forget_files(gone)
        return bool(gone)

    def _forget(self, seconds: float | None) -> bool:
        return seconds is not None and self._store.forget(older_than_seconds=seconds, limit=BATCH) > 0

    def _clock_is_believed(self) -> bool:
        known = look(self._trust, self._read_clock(), self._store.last_end())
        if known != self._trust:
            self._trust = known
            _write(self._trust_file, known)
        if known.holds == self._is_paused:
            self._is_paused = not known.holds
            log.warning(
                "The clock may have jumped by more than an hour: no job is removed until it is back, or an hour old."
                if self._is_paused
                else "The clock is believed again: old jobs are removed as before."
            )
        return known.holds


def read_clock_of_this_machine() -> Reading:
    """Return what the clock says, and the time since boot."""
    return Reading(boot=boot_id(), wall=time.time_ns() // 1_000_000, up=time.clock_gettime_ns(_SINCE_BOOT) // 1_000_000)


def _read(path: Path) -> Trust | None:
    """Return what an earlier supervisor knew, None if nothing usable stands there."""
    with suppress(OSError, ValueError, TypeError):
        found = Trust(**json.loads(path.read_text(encoding="utf-8")))
        numbers = (found.believed, found.seen, found.since)
        if all(isinstance(number, int) for number in numbers if number is not None):
            return found
    return None


def _write(path: Path, known: Trust) -> None:
    """Leave what is known to the next supervisor; if that fails, it begins anew and is careful."""
    beside = path.with_name(f"{path.name}.new")
    with suppress(OSError):
        beside.write_text(json.dumps(asdict(known)), encoding="utf-8")
        os.replace(beside, path)
