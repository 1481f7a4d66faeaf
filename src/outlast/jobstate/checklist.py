"""A checklist as a program uses it."""

import os
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from types import TracebackType

from outlast.core.errors import AlreadyClaimed, AlreadyDone, UnknownActivity, UsageError
from outlast.jobstate.book import Book
from outlast.jobstate.places import check_name
from outlast.jobstate.records import COMPLETE, FAIL, SKIP, START, STOP, Record

_LONGEST_TEXT = 2_000


class Progress:
    """How far a checklist is: `done` of `total` activities, what was skipped left out."""

    __slots__ = ("done", "total")

    def __init__(self, done: int, total: int) -> None:
        self.done = done
        self.total = total

    @property
    def fraction(self) -> float:
        """Between 0 and 1; a checklist without activities is done."""
        return self.done / self.total if self.total else 1.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Progress) and (self.done, self.total) == (other.done, other.total)

    def __hash__(self) -> int:
        return hash((self.done, self.total))

    def __str__(self) -> str:
        return f"{self.done} of {self.total}"

    def __repr__(self) -> str:
        return f"<Progress {self}>"


class Checklist:
    """The activities of one account, type and date: what is done, and what remains of those that were given.

    Every look sees what other processes have done meanwhile.
    """

    def __init__(self, book: Book, names: Sequence[str], today: Callable[[], str]) -> None:
        self._book = book
        self._names = tuple(names)
        self._given = frozenset(names)
        self._today = today

    def __repr__(self) -> str:
        return f"<Checklist {self.account!r} {self.type!r} {self.date}>"

    @property
    def account(self) -> str:
        """Whose activities they are."""
        return self._book.title.account

    @property
    def type(self) -> str:
        """Which kind of checklist it is."""
        return self._book.title.type

    @property
    def date(self) -> str:
        """The day to which it belongs, whatever day it is now: `2025-09-20`."""
        return self._book.title.date

    @property
    def completed(self) -> list[str]:
        """The names that are completed, in the order in which they were."""
        with self._looking():
            return list(self._book.ledger.completed)

    @property
    def remaining(self) -> list[str]:
        """The given names that are neither completed nor skipped, in the order in which they were given."""
        with self._looking():
            return self._book.ledger.left_of(self._names)

    @property
    def failed(self) -> dict[str, str]:
        """The names whose last try failed, with the error. They still remain."""
        with self._looking():
            return dict(self._book.ledger.failed)

    @property
    def skipped(self) -> dict[str, str]:
        """The names that were skipped, with the reason."""
        with self._looking():
            return dict(self._book.ledger.skipped)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._looking():
            ledger = self._book.ledger
            return Progress(len(ledger.completed), len(ledger.completed) + len(ledger.left_of(self._names)))

    @property
    def is_over(self) -> bool:
        """True once a new day has begun."""
        return self._today() > self.date

    def is_complete(self, name: str) -> bool:
        """Tell whether an activity is completed."""
        with self._looking():
            return name in self._book.ledger.completed

    def activity(self, name: str) -> "Activity":
        """Return what does one activity: `with checklist.activity("quiz-1"): …`

        It claims the activity, so that no other process does it meanwhile, notes its start, its duration and the
        exception it may end with, and completes it at the end of the block. Entering it raises AlreadyDone,
        AlreadyClaimed or UnknownActivity.
        """
        return Activity(self._book, self._known(name))

    def each(self) -> Iterator[str]:
        """Yield what remains and nobody else is doing; each is completed when the body of the loop ends.

        A body that is left by `break` or an exception leaves its activity undone; so does `fail` or `skip` in it.
        """
        for name in self.remaining:
            activity = Activity(self._book, name)
            try:
                activity.__enter__()
            except (AlreadyDone, AlreadyClaimed):
                continue
            try:
                yield name
            except BaseException:
                activity.leave()
                raise
            activity.__exit__(None, None, None)

    def complete(self, name: str) -> None:
        """Complete an activity: when this returns, it survives kill -9 and a power cut. Once more changes nothing."""
        if not self._is_surely_complete(name):
            self._note(COMPLETE, name)

    def skip(self, name: str, why: str = "") -> None:
        """Take an activity out of what remains without doing it. A completed one stays completed."""
        if not self._is_surely_complete(name):
            self._note(SKIP, name, _text(why))

    def fail(self, name: str, error: object) -> None:
        """Note that an activity failed; it remains. A completed one stays completed."""
        if not self._is_surely_complete(name):
            self._note(FAIL, name, error_text(error))

    def _is_surely_complete(self, name: str) -> bool:
        """Tell whether a known activity is completed; what was learnt before counts only if it says no."""
        return self._known(name) in self._book.ledger.completed and self.is_complete(name)

    def _note(self, event: str, name: str, text: str = "") -> None:
        record = Record(event, at=self._book.clock(), activity=name, process=os.getpid(), text=text)
        self._book.note(record)
        if name in self._book.claims:
            self._book.ended.add(name)

    def _known(self, name: str) -> str:
        if name in self._given or self._book.ledger.knows(check_name("The activity", name)):
            return name
        from difflib import get_close_matches

        near = get_close_matches(name[:100], self._names, n=1)
        guess = f"Did you mean {near[0]!r:.80}?" if near else "Give all names to open()."
        raise UnknownActivity(f"{self._book.title} has no activity {name!r:.80}.", guess)

    def _looking(self) -> "_Looking":
        return _Looking(self._book)


class _Looking:
    """A block in which the book's ledger is up to date and does not change."""

    __slots__ = ("_book",)

    def __init__(self, book: Book) -> None:
        self._book = book

    def __enter__(self) -> None:
        self._book.lock.acquire()
        try:
            self._book.refresh()
        except BaseException:
            self._book.lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._book.lock.release()


class Activity:
    """One activity while it is being done; made by `Checklist.activity`."""

    def __init__(self, book: Book, name: str) -> None:
        self.name = name
        self._book = book
        self._began = 0.0
        self._process = 0

    def __enter__(self) -> "Activity":
        book, name = self._book, self.name
        if name in book.ledger.completed:
            self._refuse_if_done()
        if not book.claim(name):
            self._refuse_if_done()
            raise AlreadyClaimed(f"{name!r:.80} of {book.title} is being done by {self._holder()}.", "Do another one.")
        try:
            self._refuse_if_done()
            self._process = os.getpid()
            book.note(Record(START, at=book.clock(), activity=name, process=self._process), durable=False)
        except BaseException:
            book.release(name)
            raise
        self._began = monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if os.getpid() != self._process:  # a fork that came out of the block: the activity is its parent's
            return
        try:
            if error is None:
                self._complete()
            elif isinstance(error, Exception):
                self._note(FAIL, error_text(error))
            else:
                self.leave()
        finally:
            self._book.release(self.name)

    def leave(self) -> None:
        """End it undone: its body was left before its end."""
        if os.getpid() == self._process:
            try:
                self._note(STOP)
            finally:
                self._book.release(self.name)

    def _complete(self) -> None:
        """Complete it, unless its body has failed, skipped or completed it."""
        if self.name not in self._book.ledger.completed and self.name not in self._book.ended:
            self._note(COMPLETE)

    def _note(self, event: str, text: str = "") -> None:
        took = round((monotonic() - self._began) * 1000, 1)
        record = Record(
            event, at=self._book.clock(), activity=self.name, process=self._process, duration_ms=took, text=text
        )
        self._book.note(record, durable=event != STOP)

    def _refuse_if_done(self) -> None:
        self._book.refresh()
        if self.name in self._book.ledger.completed:
            raise AlreadyDone(
                f"{self.name!r:.80} of {self._book.title} is completed.", "outlast state reset makes it undone."
            )

    def _holder(self) -> str:
        started = self._book.ledger.started.get(self.name)
        if started is None or started.process is None:
            return "another process"
        return "this process" if started.process == os.getpid() else f"process {started.process} since {started.at}"


def given_names(names: object) -> tuple[str, ...]:
    """Return the names of a list that was given. Raise UsageError for what is no list of different texts."""
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise UsageError(f"The activities are a {type(names).__name__}, not a list.", 'Pass a list: ["quiz-1", …].')
    given = tuple(check_name("An activity", name) for name in names)
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise UsageError(f"{twice!r:.80} is given twice.", "Each activity needs a name of its own.")
    return given


def error_text(error: object) -> str:
    """Return `ValueError: text` for an exception, the text for anything else; it never raises."""
    if not isinstance(error, BaseException):
        return _text(error)
    words = _text(error)
    return f"{type(error).__name__}: {words}"[:_LONGEST_TEXT] if words else type(error).__name__


def _text(value: object) -> str:
    try:
        return str(value)[:_LONGEST_TEXT]
    except Exception as error:  # noqa: BLE001 - any text is better than losing the event
        return f"(its text raised {type(error).__name__})"
