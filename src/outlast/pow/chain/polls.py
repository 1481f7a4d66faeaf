"""One poll of a source every five seconds, shared by all processes of a data directory.

What was told is in a small file, and a lock beside it lets one process ask while the others wait for what it hears.
The file is a hint and no record: whatever is wrong with it, or with the directory, costs a poll and nothing else.
"""

import contextlib
import fcntl
import json
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from outlast.durable import new_file_beside, sweep
from outlast.pow.chain.clock import Clock, Moment
from outlast.pow.chain.sources import SourceFailed

FRESH_SECONDS = 5.0
"""How long a poll serves, whether it told a height or failed."""
_MOST_BYTES = 8 * 1024
_PAUSE_SECONDS = 0.05
_MARGIN_SECONDS = 1.0
"""How much longer than its deadline a poller may seem to take, on a machine that is busy."""
_END_OF_TIME = 1e12
"""In seconds; no clock goes so far, and a file that says so is damaged."""
_STUCK = "another process has been asking for a long time and has not come back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A height that a source told, when, and what was strange about it."""

    height: int
    at: Moment
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What is known of a source: when it was asked last, what went wrong then, and what it told last."""

    asked: Moment
    error: str = ""
    told: Told | None = None

    def is_fresh(self, now: Moment) -> bool:
        return 0 <= now.seconds_since(self.asked) < FRESH_SECONDS


class SharedPolls:
    """The polls of one source. `ask` takes at most `longest_seconds`, and raises SourceFailed."""

    def __init__(self, place: Path, ask: Callable[[], int], *, clock: Clock, longest_seconds: float) -> None:
        """Keep the polls in `place`.json; beside it are `place`.lock and `place`.spare."""
        self._file = place.with_name(f"{place.name}.json")
        # The spare one is for a holder of the first that is stopped and will not let go.
        self._locks = (place.with_name(f"{place.name}.lock"), place.with_name(f"{place.name}.spare"))
        self._ask = ask
        self._clock = clock
        self._wait_seconds = longest_seconds + _MARGIN_SECONDS
        self._own: Poll | None = None

    def look(self) -> Poll:
        """Return a fresh poll; ask the source only if no process has one and none is asking."""
        for lock in self._locks:
            deadline = time.monotonic() + self._wait_seconds
            while time.monotonic() < deadline:
                known = self._known()
                if known is not None and known.is_fresh(self._clock()):
                    return known
                with _holding(lock) as is_ours:
                    if is_ours:
                        return self._asked()
                time.sleep(_PAUSE_SECONDS)
        return self._stuck()

    def _known(self) -> Poll | None:
        """Return the newest poll of this and the other processes."""
        now = self._clock()
        polls = [poll for poll in (self._own, _read(self._file)) if poll is not None]
        # One from the future was dated by a clock that was wrong; it is older than any other.
        return max(polls, key=lambda poll: -abs(now.seconds_since(poll.asked)), default=None)

    def _asked(self) -> Poll:
        """Return what the source says, unless another process has just heard it."""
        before = self._known()
        if before is not None and before.is_fresh(self._clock()):
            return before
        poll = self._poll(before)
        self._own = poll
        # A full or read-only disk: each process then has its own polls.
        with contextlib.suppress(OSError):
            _write(self._file, poll)
        return poll

    def _poll(self, before: Poll | None) -> Poll:
        told = None if before is None else before.told
        try:
            height = self._ask()
        except SourceFailed as error:
            return Poll(asked=self._clock(), error=str(error), told=told)
        now = self._clock()
        return Poll(asked=now, told=Told(height=height, at=now, note=_note(told, height)))

    def _stuck(self) -> Poll:
        known = self._known()
        error = f"{self._file.name}: {_STUCK}."
        return Poll(asked=self._clock(), error=error, told=None if known is None else known.told)


def _note(before: Told | None, height: int) -> str:
    if before is None or before.height <= height:
        return ""
    return f"The chain went back from height {before.height} to {height}."


@contextlib.contextmanager
def _holding(lock: Path) -> Iterator[bool]:
    """Hold the lock and give True; False if somebody else holds it. Where there can be no lock, hold nothing: True."""
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _take(descriptor)
    finally:
        # Said, not left to close: a child that was forked meanwhile has the descriptor too and would go on holding.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _write(file: Path, poll: Poll) -> None:
    """Put the poll in place of the file, whole; it may be lost in a power cut."""
    sweep(file)
    with new_file_beside(file, 0o600) as (descriptor, temporary):
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(_written(poll))
        os.replace(temporary, file)


def _read(file: Path) -> Poll | None:
    """Return the poll in a file, None if there is none or it is damaged in any way."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return _poll_in(os.read(descriptor, _MOST_BYTES))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    finally:
        os.close(descriptor)


def _written(poll: Poll) -> bytes:
    """Return the poll as JSON behind its checksum: a height with a wrong digit must not be taken for one."""
    content = json.dumps(asdict(poll)).encode()
    return b"%08x %s" % (zlib.crc32(content), content)


def _poll_in(written: bytes) -> Poll:
    """Return the poll that was written. Raise what the first wrong byte leads to."""
    checksum, _, content = written.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(content):
        raise ValueError(checksum)
    fields = json.loads(content)
    told = fields["told"]
    return Poll(
        asked=_moment_in(fields["asked"]),
        error=_text_in(fields["error"]),
        told=None if told is None else _told_in(told),
    )


def _told_in(fields: Any) -> Told:
    height = fields["height"]
    if isinstance(height, bool) or not isinstance(height, int) or not 0 <= height < 2**63:
        raise ValueError(height)
    return Told(height=height, at=_moment_in(fields["at"]), note=_text_in(fields["note"]))


def _text_in(field: Any) -> str:
    if not isinstance(field, str):
        raise TypeError(field)
    return field


def _moment_in(fields: Any) -> Moment:
    wall, since_boot = float(fields["wall"]), float(fields["since_boot"])
    if not (abs(wall) < _END_OF_TIME and abs(since_boot) < _END_OF_TIME):
        raise ValueError(fields)
    return Moment(wall=wall, since_boot=since_boot, boot=_text_in(fields["boot"]))
