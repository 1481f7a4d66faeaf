"""A run: one function for every activity of many accounts, each account in a process of its own.

What one account's process does, crashing and hanging included, is its own affair: the others go on.
"""

import datetime
import os
import selectors
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Protocol

from outlast.core.errors import UsageError
from outlast.jobstate.account_process import AccountProcess
from outlast.jobstate.checklist import Checklist, given_names
from outlast.jobstate.days import date_of
from outlast.jobstate.ending import GRACE_SECONDS
from outlast.jobstate.loading import target_of
from outlast.jobstate.places import check_name

_TICK_SECONDS = 0.1
ONLY = ("remaining", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is to do. `only` is `remaining`, or `failed`: of what remains only what failed before."""

    target: str
    accounts: Sequence[str]
    type: str
    activities: Sequence[str]
    date: str
    only: str = "remaining"
    concurrency: int
    timeout_seconds: float | None = None
    grace_seconds: float = GRACE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened: `todo` (count), `begin`, `complete`, `fail`, `held`, `output` (a line), `crash`, `end`."""

    account: str
    event: str
    activity: str = ""
    text: str = ""
    count: int = 0


@dataclass(slots=True)
class AccountRun:
    """One account: what there was to do, what came of it, and how often its process died."""

    account: str
    todo: list[str] | None = None
    completed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    crashes: int = 0
    seconds: float = 0.0

    @property
    def left(self) -> list[str]:
        """What was to be done and neither ended nor was tried."""
        tried = {*self.completed, *self.failed, *self.held}
        return [name for name in self.todo or () if name not in tried]

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "completed": list(self.completed),
            "failed": dict(self.failed),
            "held": list(self.held),
            "left": self.left,
            "crashes": self.crashes,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What came of a run."""

    accounts: Sequence[AccountRun]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """True if nothing failed, and nothing is left to do."""
        return not self.interrupted and not any(
            each.failed or each.held or each.left or each.todo is None for each in self.accounts
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "interrupted": self.interrupted,
            "accounts": [each.as_json() for each in self.accounts],
        }


class State(Protocol):
    """What a run needs of job state."""

    dir: str
    cluster: str | None
    timezone: str | None
    enabled: bool

    def today(self) -> str: ...

    def open(
        self, account: str, type: str, names: Sequence[str], date: str | datetime.date | None = None
    ) -> Checklist: ...


class Run:
    """One run. `go` returns its report; when it was interrupted, `report` says how far it came."""

    def __init__(self, state: State, order: Order, on_event: Callable[[Event], None] | None = None) -> None:
        self._state = state
        self._order = order
        self._on_event = on_event or (lambda event: None)
        self._accounts = [AccountRun(account) for account in order.accounts]
        self._selector = selectors.DefaultSelector()
        self._alive: dict[AccountProcess, AccountRun] = {}
        self._interrupted = False

    def report(self) -> RunReport:
        """Return how far it is."""
        return RunReport(accounts=self._accounts, interrupted=self._interrupted)

    def go(self) -> RunReport:
        """Do everything. Interrupted, stop the processes, politely first, and raise KeyboardInterrupt."""
        waiting = deque(self._accounts)
        try:
            while waiting or self._alive:
                while waiting and len(self._alive) < self._order.concurrency:
                    self._start(waiting.popleft())
                self._listen()
                for process in [each for each in self._alive if each.has_ended(self._order.timeout_seconds)]:
                    run = self._alive.pop(process)
                    if self._goes_on(run, process):
                        waiting.appendleft(run)
        except BaseException:
            self._interrupted = True
            self._stop()
            raise
        finally:
            self._selector.close()
        return self.report()

    def _start(self, run: AccountRun) -> None:
        order = self._order
        words = {
            "target": order.target,
            "path": [os.path.abspath(entry) for entry in sys.path],
            "dir": self._state.dir,
            "cluster": self._state.cluster or "",
            "timezone": self._state.timezone or "",
            "account": run.account,
            "type": order.type,
            "date": order.date,
            "activities": list(order.activities),
            "only": order.only,
            "todo": None if run.todo is None else run.left,
        }
        self._alive[AccountProcess(words, partial(self._heard, run), self._selector)] = run

    def _listen(self) -> None:
        for key, _ in self._selector.select(_TICK_SECONDS):
            key.data()

    def _heard(self, run: AccountRun, event: dict[str, Any]) -> None:
        """Note what an account's process says."""
        word, activity, text = event["event"], event.get("activity", ""), event.get("text", "")
        match word:
            case "refused":
                raise UsageError(text, event["fix"])
            case "todo" if run.todo is None:
                run.todo = list(event["activities"])
            case "complete":
                run.completed.append(activity)
            case "fail":
                run.failed[activity] = text
            case "held":
                run.held.append(activity)
        self._say(run, word, activity, text)

    def _say(self, run: AccountRun, word: str, activity: str = "", text: str = "") -> None:
        count = len(run.todo or ()) if word == "todo" else 0
        self._on_event(Event(account=run.account, event=word, activity=activity, text=text, count=count))

    def _goes_on(self, run: AccountRun, process: AccountProcess) -> bool:
        """Note how an account's process ended; True if the account is to go on in another one."""
        process.close()
        run.seconds += monotonic() - process.began
        if process.said_end:
            return False
        run.crashes += 1
        self._say(run, "crash", process.doing, process.cause)
        if process.doing:
            self._fail(run, process.doing, process.cause)
        elif run.todo is None or run.crashes > len(run.todo):  # it dies before it has done anything
            run.failed[""] = process.cause
            return False
        return bool(run.left)

    def _fail(self, run: AccountRun, activity: str, cause: str) -> None:
        run.failed[activity] = cause
        order = self._order
        self._state.open(run.account, order.type, order.activities, order.date).fail(activity, cause)
        self._say(run, "fail", activity, cause)

    def _stop(self) -> None:
        for process in self._alive:
            process.ask_to_stop()
        deadline = monotonic() + self._order.grace_seconds
        while any(process.is_alive() for process in self._alive) and monotonic() < deadline:
            with suppress(UsageError):
                self._listen()
        for process in self._alive:
            process.kill()
            with suppress(UsageError):
                process.close()


def make_order(
    state: State,
    target: "str | Callable[..., Any]",
    *,
    accounts: Sequence[str],
    type: str,
    activities: Sequence[str],
    date: str | datetime.date | None = None,
    only: str = "remaining",
    concurrency: int | None = None,
    timeout: float | None = None,
) -> Order:
    """Return the order of a run. Raise UsageError for one that makes no sense."""
    if not state.enabled:
        raise UsageError("A run needs job state, which is off.", "Enable it in the configuration.")
    if only not in ONLY:
        raise UsageError(f"only is {only!r:.40}.", f"Use {' or '.join(ONLY)}.")
    if timeout is not None and not timeout > 0:
        raise UsageError(f"timeout is {timeout!r:.40}.", "Use seconds above 0, or None.")
    if concurrency is not None and (isinstance(concurrency, bool) or concurrency < 1):
        raise UsageError(f"concurrency is {concurrency!r:.40}.", "Use a whole number from 1.")
    return Order(
        target=target_of(target),
        accounts=given_names(accounts),
        type=check_name("The type", type),
        activities=given_names(activities),
        date=state.today() if date is None else date_of(date),
        only=only,
        concurrency=concurrency or max(2, os.cpu_count() or 2),
        timeout_seconds=timeout,
    )
