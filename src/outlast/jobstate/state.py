"""Job state as a program uses it: every account's checklists in one directory."""

import datetime
import os
import time
import weakref
from collections.abc import Callable, Sequence

from outlast.core.errors import UsageError
from outlast.jobstate import days
from outlast.jobstate.book import Book
from outlast.jobstate.checklist import Checklist, given_names
from outlast.jobstate.config import Config, load_config, setting
from outlast.jobstate.faults import say
from outlast.jobstate.filebook import FileBook
from outlast.jobstate.places import Places, check_name
from outlast.jobstate.view import Title

TYPE_CHECKING = False  # as in typing, which takes too long to import
if TYPE_CHECKING:
    from outlast.jobstate.doctor import Finding
    from outlast.jobstate.reading import Entry
    from outlast.jobstate.report import Report
    from outlast.jobstate.runner import Event, RunReport

_Key = tuple[str, str, str]


class JobState:
    """The checklists of all accounts in a directory.

    What is left out comes from the configuration: `dir` and `enabled` from `src/config.json` or `config.json`,
    `cluster` from OUTLAST_CLUSTER_WORKER, `timezone` (an IANA name) from OUTLAST_TIMEZONE, else the system's.
    `enabled=False`: the same calls in memory; nothing is read or written. `clock` returns seconds since 1970.
    """

    def __init__(
        self,
        dir: "str | os.PathLike[str] | None" = None,
        cluster: str | int | None = None,
        timezone: str | None = None,
        enabled: bool | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        config = load_config() if dir is None or enabled is None else None
        self.enabled = _enabled(enabled, config)
        self.dir = _directory(dir, config)
        self.cluster = _cluster(cluster)
        self.timezone = setting("OUTLAST_TIMEZONE") if timezone is None else timezone
        self._zone: datetime.tzinfo | None = days.zone(self.timezone)
        self._clock = clock
        self.places = Places(self.dir, self.cluster)
        self._books: weakref.WeakValueDictionary[_Key, Book] = weakref.WeakValueDictionary()
        self._in_memory: dict[_Key, Book] = {}
        self._swept: set[str] = set()
        if not self.enabled:
            say("Job state is off: it is kept in memory only, and nothing is read or written.")

    def __repr__(self) -> str:
        return f"<JobState {self.places.root!r}>" if self.enabled else "<JobState off>"

    def today(self) -> str:
        """Return the date of this moment in the time zone of this job state."""
        return days.today(self._zone, self._clock())

    def now(self) -> float:
        """Return this moment in seconds since 1970."""
        return self._clock()

    def open(self, account: str, type: str, names: Sequence[str], date: str | datetime.date | None = None) -> Checklist:
        """Return the checklist of an account, a type and a day (today), with these activities.

        What is completed stays so; what remains are the names that are neither completed nor skipped.
        """
        title = self._title(account, type, date)
        given = given_names(names)
        book = self._book(title)
        book.open(given)
        self._sweep(title.account)
        return Checklist(book, given, self.today)

    def reset(
        self, account: str, type: str, date: str | datetime.date | None = None, activity: str | None = None
    ) -> bool:
        """Let a checklist (today's) begin anew, or one of its activities be undone; False if there was nothing."""
        title = self._title(account, type, date)
        if not self.enabled:
            return self._reset_in_memory(title, activity)
        from outlast.jobstate import removal

        if activity is None:
            return removal.reset(self.places.json(title))
        return removal.undo(self._book(title), self.places.json(title), activity)

    def _reset_in_memory(self, title: Title, activity: str | None) -> bool:
        key = (title.account, title.type, title.date)
        book = self._in_memory.get(key)
        if book is None or (activity is not None and activity not in book.ledger.completed):
            return False
        if activity is None:
            self._books.pop(key, None)
            del self._in_memory[key]
        else:
            book.undo(activity)
        return True

    def accounts(self) -> list[str]:
        """Return the accounts that have a checklist, sorted."""
        from outlast.jobstate.reading import accounts, in_memory

        return accounts(self.places) if self.enabled else sorted({each.account for each in in_memory(self._kept())})

    def history(
        self, account: str | None = None, type: str | None = None, since: str | datetime.date | None = None
    ) -> "list[Entry]":
        """Return what each checklist came to, the newest day first; `since` is `8w`, `30d` or a date."""
        from outlast.jobstate.reading import entries, in_memory

        first = None if since is None else days.first_day(since, self.today())
        if not self.enabled:
            return in_memory(self._kept(), account, type, first)
        return entries(self.places, account, type, first)

    def _kept(self) -> list[Book]:
        return list(self._in_memory.values())

    def report(
        self, since: str | datetime.date = "8w", account: str | None = None, *, silent_minutes: float = 10.0
    ) -> "Report":
        """Return rates, failures, durations and what hangs, since a day; `silent_minutes` makes it hang."""
        from outlast.jobstate.report import make_report

        first, last = days.first_day(since, self.today()), self.today()
        return make_report(
            self.history(account, since=first), first=first, today=last, now=self.now(), silent_minutes=silent_minutes
        )

    def prune(self, older_than: str | datetime.date, *, dry_run: bool = False) -> "list[Entry]":
        """Remove checklists of days before `older_than` (`7d`, or a date), and what nobody needs; return them.

        One that is in use stays.
        """
        if not self.enabled:
            return []
        from outlast.jobstate import removal

        return removal.prune(self.places, days.first_day(older_than, self.today()), dry_run=dry_run)

    def doctor(self) -> "list[Finding]":
        """Return what is wrong with the files; empty if all is well. Nothing is changed."""
        from outlast.jobstate.doctor import findings

        return findings(self.places) if self.enabled else []

    def run(
        self,
        target: "str | Callable[[str, str], object]",
        *,
        accounts: Sequence[str],
        type: str,
        activities: Sequence[str],
        date: "str | datetime.date | None" = None,
        only: str = "remaining",
        concurrency: int | None = None,
        timeout: float | None = None,
        on_event: "Callable[[Event], None] | None" = None,
    ) -> "RunReport":
        """Call `target(account, activity)` for all that remains, each account in a process of its own.

        `target` is a function of a module or script, or `module:function`. `only="failed"` leaves out what has not
        failed before; `concurrency` accounts are done at once; `timeout` is the seconds that one activity may take.
        Interrupted, it stops its processes and raises KeyboardInterrupt.
        """
        from outlast.jobstate.runner import Run, make_order

        order = make_order(
            self,
            target,
            accounts=accounts,
            type=type,
            activities=activities,
            date=date,
            only=only,
            concurrency=concurrency,
            timeout=timeout,
        )
        return Run(self, order, on_event).go()

    def _title(self, account: str, type: str, date: str | datetime.date | None) -> Title:
        day = self.today() if date is None else days.date_of(date)
        return Title(check_name("The account", account), check_name("The type", type), day)

    def _book(self, title: Title) -> Book:
        key = (title.account, title.type, title.date)
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = self._new_book(title)
        if not self.enabled:
            self._in_memory[key] = book
        return book

    def _new_book(self, title: Title) -> Book:
        if not self.enabled:
            return Book(title, self._now_text)
        json_path, journal_path = self.places.json(title), self.places.journal(title)
        return FileBook(title, self._now_text, json_path=json_path, journal_path=journal_path)

    def _sweep(self, account: str) -> None:
        """Remove, once for each account, what nobody needs: journals whose JSON is gone, and old leftovers."""
        if self.enabled and account not in self._swept:
            from outlast.jobstate.removal import sweep

            self._swept.add(account)
            sweep(self.places.account(account))

    def _now_text(self) -> str:
        return days.utc_text(self._clock())


def _enabled(enabled: bool | None, config: Config | None) -> bool:
    if enabled is None:
        return config is None or config.enabled
    if not isinstance(enabled, bool):
        raise UsageError(f"enabled is {enabled!r:.40}.", "Use True or False.")
    return enabled


def _directory(dir: "str | os.PathLike[str] | None", config: Config | None) -> str:
    path = os.fspath(dir) if dir else config.dir if config is not None else ""
    if not isinstance(path, str) or not path or "\0" in path:
        raise UsageError(f"{path!r:.80} is no directory.", "Name one as text.")
    try:
        return os.path.abspath(os.path.expanduser(path))
    except FileNotFoundError:
        raise UsageError(
            "The current directory is gone.", "Change to one that exists, or name an absolute dir."
        ) from None


def _cluster(cluster: str | int | None) -> str | None:
    if cluster is None:
        return setting("OUTLAST_CLUSTER_WORKER") or None
    if isinstance(cluster, bool) or not isinstance(cluster, str | int):
        raise UsageError(f"cluster is {cluster!r:.40}.", "Use the number or name of the worker.")
    return str(cluster) or None
