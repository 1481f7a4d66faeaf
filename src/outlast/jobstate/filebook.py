"""A checklist in its two files: the journal, whose records count, and the JSON, which people read."""

import atexit
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock
from time import monotonic, sleep

from outlast.core.errors import Busy, OutlastError
from outlast.crashpoint import crash_point
from outlast.jobstate import late, locks, open_files, view
from outlast.jobstate.book import Book
from outlast.jobstate.faults import say, told
from outlast.jobstate.journal import Journal
from outlast.jobstate.late import Late
from outlast.jobstate.ledger import Ledger
from outlast.jobstate.open_files import Resting
from outlast.jobstate.pair import MOST_TRIES, Found, Pair
from outlast.jobstate.records import COMPLETE, FAIL, OPEN, RESET, SKIP, START, STOP, Record, pieces, to_line
from outlast.jobstate.sheet import mode_of, size_of
from outlast.jobstate.view import Title

_VIEW_SECONDS = 0.02
_UNDO_SECONDS = 10.0
_POLL_SECONDS = 0.0005

_books: "weakref.WeakSet[FileBook]" = weakref.WeakSet()


class FileBook(Book, Late, Resting):
    """A checklist on the disk."""

    def __init__(self, title: Title, clock: Callable[[], str], *, json_path: str, journal_path: str) -> None:
        super().__init__(title, clock)
        self._pair = Pair(json_path, journal_path)
        self._sheet = self._pair.sheet
        self._names: tuple[str, ...] = ()
        self._behind = False
        self._unsaved_because = ""
        self._costs = late.Costs()
        _books.add(self)

    def open(self, names: tuple[str, ...]) -> None:
        """Make the files if they are missing, load them, and let these be the activities that were given last."""
        self._names = names
        with self._telling(), self.lock:
            self._be_in_place()
            self._look_again(hurried=True)
            super().open(names)

    def refresh(self) -> None:
        """Learn what others have changed. A missing JSON means that nothing is done; looking makes no new one."""
        with self._telling(), self.lock:
            if self._sheet.mark() is None:
                self._pair.forget()
                self.ledger = Ledger(self._names)
            elif not self._pair.has_journal():
                self._be_in_place()
            else:
                self._look_again()

    def note(self, record: Record, *, durable: bool = True) -> None:
        """Keep a record: one write, and if it is `durable` a flush and a look whether it can be found again."""
        try:
            self._keep(record, durable)
        except OSError as error:
            raise told(error, self._pair.path) from error
        if record.event not in (START, STOP):
            with self.lock:
                # Whoever has opened it, or done all of it, may look at once.
                self._publish(hurried=record.event == OPEN or not self.ledger.remaining)

    def undo(self, activity: str) -> None:
        """Let an activity be not done. The old JSON would bring it back, so the new one is flushed before this ends."""
        with self._telling(), self.lock:
            self._be_in_place()
            with self._alone(_UNDO_SECONDS) as alone:
                if not alone:
                    raise Busy(f"{self._sheet.path} is being written by another process.", "Try again.")
                self._absorb()
                self._keep(Record(RESET, at=self.clock(), activity=activity), True)
                crash_point("undo:flushed")
                self._sheet.write_durably(self.title, self.ledger)
                self._is_level()

    def claim(self, activity: str) -> bool:
        with self._telling(), self.lock:
            self._be_in_place()
            if activity in self.claims or not self._lock(activity):
                return False
            self._claimed(activity)
            self.refresh()
            return True

    def release(self, activity: str) -> None:
        with self._telling(), self.lock:
            if activity in self.claims:
                self.claims.discard(activity)
                if self._pair.has_journal():
                    locks.unlock(self._pair.journal.descriptor, locks.place_of(activity))

    def is_claimed(self, activity: str) -> bool:
        with self._telling(), self.lock:
            if activity in self.claims:
                return True
            return self._pair.has_journal() and locks.is_locked(self._pair.journal.descriptor, locks.place_of(activity))

    def _lock(self, activity: str) -> bool:
        return locks.try_lock(self._pair.journal.descriptor, locks.place_of(activity))

    def catch_up(self) -> None:
        """Rewrite the JSON if it is behind; one that is missing is not made anew."""
        with self.lock, suppress(OSError, OutlastError):  # the journal has it, and who looks next is told
            if self._behind and self._sheet.mark() is None:
                self._is_level()
            elif self._behind:
                self._publish(hurried=True)

    def rest(self) -> bool:
        """Close the journal unless it is in use; it is opened again when it is needed."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            if self.claims:
                return False
            self.tidy()
            self._pair.let_go()
            return True
        finally:
            self.lock.release()

    def __del__(self) -> None:
        with suppress(Exception):  # nobody is left to be told
            if self._behind:
                self.catch_up()
                late.forget(self)
            self.tidy()
            open_files.gone(self)
            self._pair.forget()
            if not any(book is not self for book in _books):  # else the thread would soon be started again
                late.leave()

    def tidy(self) -> None:
        """Leave no temporary file behind, if nobody is just writing one."""
        with self.lock:
            if not self._sheet.spare.is_kept or not self._pair.has_journal():
                return
            with self._alone(0) as alone:
                if alone:
                    self._sheet.spare.remove()

    # The journal.

    def _be_in_place(self) -> None:
        """See that both files are there and the ledger has what they say."""
        if not self._pair.is_in_place():
            self._arrive(self._pair.settle(self._write_first))
            open_files.used(self)

    def _write_first(self) -> None:
        fresh = Ledger(self._names)
        fresh.last_update = self.clock()
        self._sheet.write_durably(self.title, fresh)

    def _arrive(self, found: Found) -> None:
        """Make the ledger say what the files say that were found, or made."""
        old = self.ledger
        if found is not Found.SAME:
            self.ledger = Ledger()
        self._pair.relock(self.claims)
        if found is Found.NEW:
            self._append([Record(OPEN, at=self.clock(), names=self._names)])
        elif found is Found.NO_JOURNAL:
            self._append(_records_of(old, self.clock()))
        self._read_journal()
        if found in (Found.OTHER, Found.NO_JOURNAL):
            self._mend()

    def _keep(self, record: Record, durable: bool) -> None:
        """Append a record until it stands in a journal that is in its place, and apply it."""
        line = to_line(record)
        for _ in range(MOST_TRIES):
            with self.lock:
                # What is durable is looked for after its flush anyway.
                if not (durable and self._pair.can_append()):
                    self._be_in_place()
                generation, journal = self._pair.generation, self._pair.journal
                number = journal.append(line)
            if durable:
                self._flush(journal, number)
            with self.lock:
                if durable:
                    self._be_in_place()
                if self._pair.generation == generation:
                    if self._pair.journal.read_own(line):
                        self.ledger.apply(record)
                    else:
                        self._read_journal()
                    return
        raise self._pair.restless()

    def _append(self, records: Iterable[Record]) -> None:
        """Append and flush records of files that were found in place just now."""
        journal, number = self._pair.journal, 0
        for record in records:
            number = journal.append(to_line(record))
        self._flush(journal, number)

    def _flush(self, journal: Journal, number: int) -> None:
        """Flush; called without the lock where threads may share it."""
        try:
            journal.flush(number)
        except OSError:
            with self.lock:
                self._pair.forget()
            raise

    def _read_journal(self) -> None:
        """Apply what is new in the journal."""
        journal = self._pair.journal
        begin, data = journal.read_new()
        if not data and journal.size() < journal.position:  # somebody has cut it; what was read of it still counts
            journal.position = 0
            begin, data = journal.read_new()
        damaged = []
        for piece in pieces(data, begin):
            if piece.record is None:
                damaged.append(piece.offset)
            else:
                self.ledger.apply(piece.record)
        if damaged:
            words = "%s: %d damaged records are left out, the first at byte %d; the rest counts."
            say(words, self._pair.path, len(damaged), damaged[0])

    # The JSON.

    def _look_again(self, *, hurried: bool = False) -> None:
        """Read what is new in files that are in place."""
        journal = self._pair.journal
        if journal.size() != journal.position:
            self._read_journal()
        began, mark = monotonic(), self._sheet.mark()
        if mark is not None and mark != self._sheet.known and (hurried or self._costs.allow(began, size_of(mark))):
            self._mend()
            self._costs.spent(began, monotonic())

    def _mend(self) -> None:
        """Take over what the JSON has and the journal has not; rewrite a JSON that does not say what it should."""
        if not self._absorb():
            self._publish(hurried=True)

    def _absorb(self) -> bool:
        """Take over what the JSON has and the journal has not; tell whether it says what it should."""
        seen = self._sheet.read()
        if seen is None:
            return True
        records = []
        if not self.ledger.given and seen.remaining:
            records.append(Record(OPEN, at=self.clock(), names=tuple(dict.fromkeys(seen.remaining))))
        more = view.added(seen, self.ledger)
        records += [Record(COMPLETE, at=self.clock(), activity=name) for name in more]
        if seen.fault:
            say(
                "%s: %s. It is made anew from its journal; a copy is kept as %s.",
                self._sheet.path,
                seen.fault,
                self._copy(),
            )
        if records:
            self._append(records)
            self._read_journal()
        return view.says_the_same(seen, self.title, self.ledger)

    def _copy(self) -> str:
        return self._sheet.keep_copy()

    def _publish(self, *, hurried: bool = False) -> None:
        """Rewrite the JSON, or see that it is done soon. What cannot be saved is said; it is in the journal."""
        began = monotonic()
        size = 0 if self._sheet.known is None else size_of(self._sheet.known)
        if not hurried and not (self._costs.allow(began, size) and late.pace().allows(began)):
            self._wait()
            return
        is_level = False
        try:
            is_level = self._rewrite()
        except (OSError, OutlastError) as error:
            self._say_unsaved(error)
        if is_level:
            self._is_level()
        else:
            self._wait()
        ended = monotonic()
        self._costs.spent(began, ended)
        if not hurried:
            late.pace().spent(ended - began)

    def _rewrite(self) -> bool:
        """Rewrite the JSON; False if another is at it."""
        if not self._pair.is_open:  # it was let rest meanwhile
            self._be_in_place()
        with self._alone(_VIEW_SECONDS) as alone:
            mark = self._sheet.mark()
            if alone and mark is not None:  # without it a person has reset it: whoever notes something makes a new one
                if self._pair.journal.size() != self._pair.journal.position:
                    self._read_journal()
                if mark != self._sheet.known:
                    self._absorb()
                self._sheet.write(self.title, self.ledger, mode_of(mark))
        self._unsaved_because = ""
        return alone

    @contextmanager
    def _alone(self, seconds: float) -> Iterator[bool]:
        """Keep others from rewriting the JSON meanwhile; False if another does it all that time."""
        descriptor, deadline = self._pair.journal.descriptor, monotonic() + seconds
        while not (alone := locks.try_lock(descriptor, locks.VIEW)) and monotonic() < deadline:
            sleep(_POLL_SECONDS)
        try:
            yield alone
        finally:
            if alone:
                locks.unlock(descriptor, locks.VIEW)

    def _wait(self) -> None:
        if not self._behind:
            self._behind = True
            late.wait_for(self)

    def _is_level(self) -> None:
        if self._behind:
            self._behind = False
            late.forget(self)

    def _say_unsaved(self, error: OSError | OutlastError) -> None:
        cause = (error.strerror or str(error)) if isinstance(error, OSError) else error.message
        if cause != self._unsaved_because:
            say("Could not save job state to disk: %s: %s. It is in its journal.", self._sheet.path, cause)
        self._unsaved_because = cause

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise told(error, self._pair.path) from error

    def forked(self) -> None:
        """Be the book of a forked child: the claims and what is behind are its parent's."""
        self.lock = RLock()
        self.claims = set()
        self._behind = False
        self._pair.forked()


def _records_of(ledger: Ledger, at: str) -> list[Record]:
    """Return records that add up to a ledger."""
    records = [Record(OPEN, at=at, names=ledger.given)]
    records += [Record(COMPLETE, at=when, activity=name) for name, when in ledger.completed.items()]
    records += [Record(SKIP, at=at, activity=name, text=why) for name, why in ledger.skipped.items()]
    return records + [Record(FAIL, at=at, activity=name, text=why) for name, why in ledger.failed.items()]


def leave() -> None:
    """Rewrite what is late and leave no temporary file behind: for the end of a program."""
    late.rewrite_now()
    for book in list(_books):
        book.tidy()


def _in_child() -> None:
    for book in list(_books):
        book.forked()


atexit.register(leave)
os.register_at_fork(after_in_child=_in_child)
