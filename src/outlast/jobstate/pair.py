"""The two files of a checklist, kept together and in their place.

The order is what keeps the promise: directories, the empty journal, its name on the disk, and only then the JSON, on
the disk with its name. So a journal without a JSON is one whose JSON a person has removed, and a record that was
flushed is found again. docs/jobstate.md tells it in words.
"""

import errno
import os
from collections.abc import Callable, Iterable
from enum import Enum, auto

from outlast.core.errors import StoreBroken
from outlast.crashpoint import crash_point
from outlast.jobstate import locks, open_files
from outlast.jobstate.journal import Journal
from outlast.jobstate.sheet import Sheet, aside

MOST_TRIES = 100
"""So often files may be taken away while something is done with them; a person does it once."""


class Found(Enum):
    """What was found, or made, where the files belong."""

    SAME = auto()
    """The journal that was open before; what was read of it still counts."""
    OTHER = auto()
    """Another journal."""
    NEW = auto()
    """Nothing, or a reset: both files are new, and the JSON says that nothing is done."""
    NO_JOURNAL = auto()
    """The JSON that was last seen, and no journal: what was in it is known here alone."""


class _Known:
    """A journal that was read: which, and how far."""

    __slots__ = ("head", "inode", "position")

    def __init__(self, journal: Journal) -> None:
        self.inode = journal.inode
        self.head = journal.head()
        self.position = journal.position

    def is_of(self, journal: Journal) -> bool:
        return self.inode == journal.inode and bool(self.head) and self.head == journal.head()


def _known(journal: Journal) -> _Known | None:
    """Return what a journal is known by, None if somebody else has closed it."""
    try:
        return _Known(journal)
    except OSError:
        return None


class Pair:
    """The journal and the JSON of one checklist.

    `generation` changes whenever the journal is another one than before.
    """

    def __init__(self, json_path: str, journal_path: str) -> None:
        self.sheet = Sheet(json_path)
        self.path = journal_path
        self.generation = 0
        self._open: Journal | None = None
        self._known: _Known | None = None

    @property
    def journal(self) -> Journal:
        """The journal, which is open after `settle`."""
        assert self._open is not None
        return self._open

    @property
    def is_open(self) -> bool:
        """True if the journal is open, wherever it is."""
        return self._open is not None

    def can_append(self) -> bool:
        """Tell whether what is appended now stands in the journal; where that is has to be asked afterwards."""
        return self._open is not None and self._open.is_open()

    def has_journal(self) -> bool:
        """Tell whether the journal is open and in its place."""
        return self._open is not None and self._open.is_ours()

    def is_in_place(self) -> bool:
        """Tell whether both files are there, and the journal is the one that is open here."""
        return self._open is not None and self._open.is_ours() and self.sheet.is_there()

    def settle(self, write_first: Callable[[], None]) -> Found:
        """Open the journal that belongs to the JSON, making what is missing; `write_first` writes a JSON, durably."""
        for _ in range(MOST_TRIES):
            found = self._set_up(write_first)
            if found is not None:
                return found
        raise self.restless()

    def restless(self) -> StoreBroken:
        """Return the error for files that somebody takes away all the time."""
        return StoreBroken(f"{self.sheet.path} is removed again and again.", "Find out what removes it.")

    def _set_up(self, write_first: Callable[[], None]) -> Found | None:
        """Do one try; None if somebody else changed the files meanwhile, or a reset was found."""
        self.let_go()
        journal = self._opened()
        found = None
        try:
            journal.lock_setup()
            if journal.is_in_place():
                found = self._make(journal, write_first)
        finally:
            if found is None:
                journal.close()
            else:
                journal.unlock_setup()
        if found is not None:
            self._open = journal
            self._turn_to(journal, found)
        return found

    def _turn_to(self, journal: Journal, found: Found) -> None:
        if found is Found.SAME and self._known is not None:
            journal.position = self._known.position
        else:
            self.generation += 1
        self._known = None

    def _opened(self) -> Journal:
        directory = os.path.dirname(self.path)
        if not os.path.isdir(directory):
            _make_directory(directory)
        try:
            return Journal(self.path)
        except OSError as error:
            if error.errno == errno.EMFILE:
                open_files.let_all_rest()
            elif error.errno != errno.ENOENT:  # the directory was removed just now
                raise
        _make_directory(directory)
        return Journal(self.path)

    def _make(self, journal: Journal, write_first: Callable[[], None]) -> Found | None:
        mark, is_empty = self.sheet.mark(), journal.size() == 0
        if mark is None and not is_empty:
            self._set_aside()
            return None
        if mark is None:
            self.sheet.spare.remove()  # it may hold what was before a reset
        if is_empty:
            crash_point("settle:journal")
            _flush_directory(os.path.dirname(self.path))
        if mark is None:
            write_first()
            crash_point("settle:json")
            return Found.NEW
        if self._known is not None and self._known.is_of(journal):
            return Found.SAME
        return Found.NO_JOURNAL if is_empty and self._known is not None and mark == self.sheet.known else Found.OTHER

    def _set_aside(self) -> None:
        """Keep the journal of a checklist that a person has reset; `prune` removes it."""
        number = 1
        while os.path.lexists(other := aside(self.path, "reset", number)):
            number += 1
        os.rename(self.path, other)

    def relock(self, activities: Iterable[str]) -> None:
        """Claim in the journal that is open now what was claimed in another one."""
        for activity in activities:
            locks.try_lock(self.journal.descriptor, locks.place_of(activity))

    def let_go(self) -> None:
        """Close the journal, and remember how far it was read."""
        journal, self._open = self._open, None
        if journal is not None:
            self._known = _known(journal)
            journal.close()

    def forget(self) -> None:
        """Close the journal, and let everything be read again."""
        journal, self._open, self._known = self._open, None, None
        if journal is not None:
            journal.close()

    def forked(self) -> None:
        """Close the journal in a forked child: the locks are its parent's, and no thread of it is here."""
        journal, self._open = self._open, None
        if journal is not None:
            self._known = _known(journal)
            journal.forked()


def _make_directory(path: str) -> None:
    from pathlib import Path

    from outlast.durable import ensure_directory

    ensure_directory(Path(path))


def _flush_directory(path: str) -> None:
    from pathlib import Path

    from outlast.durable import fsync_directory

    fsync_directory(Path(path))
