"""Checklists as they stand, looked at without opening them: nothing is written, nothing waits."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from outlast.jobstate import locks, view
from outlast.jobstate.book import Book
from outlast.jobstate.faults import not_a_file, told
from outlast.jobstate.ledger import Ledger
from outlast.jobstate.places import Places, checklists_in, journal_of, title_of
from outlast.jobstate.records import COMPLETE, Record, pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One checklist: what it came to.

    `failed` and `skipped` map names to the error and the reason; `doing` holds the start of what is claimed at this
    moment, `interrupted` of what was begun and neither ended nor is claimed. `fault` tells what is wrong with its
    JSON, `damaged` counts records of its journal that cannot be read, `records` are the others.
    """

    account: str
    type: str
    date: str
    completed: tuple[str, ...]
    remaining: tuple[str, ...]
    failed: Mapping[str, str]
    skipped: Mapping[str, str]
    last_update: str
    doing: Mapping[str, Record] = field(default_factory=dict)
    interrupted: Mapping[str, Record] = field(default_factory=dict)
    records: tuple[Record, ...] = field(default=(), repr=False)
    path: str = ""
    fault: str = ""
    damaged: int = 0

    @property
    def planned(self) -> int:
        """How many activities there were to do; what was skipped is left out."""
        return len(self.completed) + len(self.remaining)

    def as_json(self) -> dict[str, Any]:
        """Return the six keys of the file, and what failed, was skipped, and is being done."""
        return {
            "date": self.date,
            "account": self.account,
            "type": self.type,
            "completed": list(self.completed),
            "remaining": list(self.remaining),
            "lastUpdate": self.last_update,
            "failed": dict(self.failed),
            "skipped": dict(self.skipped),
            "doing": list(self.doing),
        }


def accounts(places: Places) -> list[str]:
    """Return the accounts that have a checklist, sorted."""
    found = (next(_entries_in(directory, None), None) for directory in places.accounts())
    return sorted({entry.account for entry in found if entry is not None})


def entries(
    places: Places, account: str | None = None, type: str | None = None, first: str | None = None
) -> list[Entry]:
    """Return the checklists of an account, a type, and days from `first` on; the newest day first."""
    directories = places.accounts() if account is None else [places.account(account)]
    found = [entry for directory in directories for entry in _entries_in(directory, first)]
    found = [entry for entry in found if type is None or entry.type == type]
    found.sort(key=lambda entry: (entry.account, entry.type))
    found.sort(key=lambda entry: entry.date, reverse=True)
    return found


def _entries_in(directory: str, first: str | None) -> Iterator[Entry]:
    try:
        paths = list(checklists_in(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in paths:
        if first is None or title_of(path).date >= first:
            entry = read_entry(path)
            if entry is not None:
                yield entry


def read_entry(json_path: str, *, of_elsewhere: bool = False) -> Entry | None:
    """Return the checklist whose JSON is at a path, None if there is none. Raise StoreError for one that resists.

    One `of_elsewhere` lies where another program has put it, so what it says of itself counts, not its path.
    """
    try:
        # The JSON first: whatever it says is then in the journal.
        raw = _bytes(json_path)
        if raw is None:
            return None
        seen = view.read(raw)
        title = title_of(json_path, seen.title)
        with _Journal(journal_of(json_path)) as journal:
            return _entry(_own_words(seen, title) if of_elsewhere else title, seen, journal, json_path)
    except OSError as error:
        raise told(error, json_path) from error


def _own_words(seen: view.Seen, title: view.Title) -> view.Title:
    account, type_name, _ = seen.title
    return view.Title(
        account if isinstance(account, str) else title.account,
        type_name if isinstance(type_name, str) else title.type,
        title.date,
    )


def _entry(title: view.Title, seen: view.Seen, journal: "_Journal", path: str) -> Entry:
    ledger, records, damaged = Ledger(), [], 0
    for piece in pieces(journal.data):
        if piece.record is None:
            damaged += 1
        else:
            records.append(piece.record)
            ledger.apply(piece.record)
    if not ledger.given and seen.remaining:
        ledger.remaining = dict.fromkeys(seen.remaining)
    for name in view.added(seen, ledger):
        ledger.apply(Record(COMPLETE, at=seen.last_update, activity=name))
    doing = {name for name in ledger.started if journal.is_claimed(name)}
    return Entry(
        account=title.account,
        type=title.type,
        date=title.date,
        completed=tuple(ledger.completed),
        remaining=tuple(ledger.remaining),
        failed=ledger.failed,
        skipped=ledger.skipped,
        last_update=ledger.last_update or seen.last_update,
        doing={name: record for name, record in ledger.started.items() if name in doing},
        interrupted={name: record for name, record in ledger.started.items() if name not in doing},
        records=tuple(records),
        path=path,
        fault=seen.fault,
        damaged=damaged,
    )


def _bytes(path: str) -> bytes | None:
    """Return what a file holds, None if it is missing. Raise OSError, StoreBroken for what is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_a_file(path)
    with open(descriptor, "rb") as file:
        return file.read()


class _Journal:
    """A journal that is only looked at; a missing one is empty."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1
        self.data = b""

    def __enter__(self) -> "_Journal":
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return self
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            with open(self._descriptor, "rb", closefd=False) as file:
                data = file.read()
            # What follows the last newline is being written, or was cut short; it counts once another one follows.
            self.data = data[: data.rfind(b"\n") + 1]
        return self

    def is_claimed(self, activity: str) -> bool:
        return self._descriptor >= 0 and locks.is_locked(self._descriptor, locks.place_of(activity))

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def in_memory(
    books: Iterable[Book], account: str | None = None, type: str | None = None, first: str | None = None
) -> list[Entry]:
    """Return what checklists came to that are kept in memory only."""
    found = []
    for book in books:
        title, ledger = book.title, book.ledger
        if account in (None, title.account) and type in (None, title.type) and (first or "") <= title.date:
            doing = {name: record for name, record in ledger.started.items() if name in book.claims}
            found.append(
                Entry(
                    account=title.account,
                    type=title.type,
                    date=title.date,
                    completed=tuple(ledger.completed),
                    remaining=tuple(ledger.remaining),
                    failed=dict(ledger.failed),
                    skipped=dict(ledger.skipped),
                    last_update=ledger.last_update,
                    doing=doing,
                )
            )
    return sorted(found, key=lambda entry: (entry.date, entry.account, entry.type), reverse=True)
