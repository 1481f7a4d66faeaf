"""What a running job holds in its hand: steps, checkpoints, progress and waits."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic, time
from typing import Any, TypeVar

from outlast.core.codec import canonical, decode, encode
from outlast.core.digests import sha256
from outlast.core.durations import parse_duration
from outlast.core.errors import Declined, UsageError
from outlast.core.job import FOLLOWS
from outlast.core.moments import Moment, from_datetime, from_iso
from outlast.core.questions import QUESTIONS, Question, make_question
from outlast.engine.jobside.channel import Channel

T = TypeVar("T")

SAVE_SECONDS = 1.0
"""A checkpoint is saved at the first call so long after the last save."""
HELD_SECONDS = 2.0
"""A shorter wait keeps its process; a longer one gives it back."""
LONGEST_NAME = 300
LARGEST_NUMBER = 1e300
"""Of done and total; a larger one is as good as none, and their quotients stay finite."""
RATE_WEIGHT = 0.3
"""Weight of the newest interval in the smoothed rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A whole number outside that jobs wait for: the wait is over once it `reaches` that value.

    `shows` maps fields of `waiting_info` to (factor, offset): they show factor × value + offset, never below 0, with
    the value that was read last by anyone.
    """

    name: str
    reaches: int
    shows: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Parked(BaseException):
    """The job gives its process back; it runs again from the top when its time has come."""


class Context:
    """The job's side of its own record. Its methods belong to the job's process and main thread."""

    def __init__(self, channel: Channel, run: dict[str, Any], steps: dict[str, str]) -> None:
        self.job_id: str = run["job"]
        self.attempt: int = run["attempt"]
        self.account: str | None = run.get("account")
        self._step: str | None = None
        self._channel = channel
        self._known = steps
        self._used: set[str] = set()
        self._waits = 0
        self._asks = 0
        self._ordinal = 0
        self._cursor: Any = None if run["cursor"] is None else decode(run["cursor"], "cursor")
        self._unsaved: tuple[Any, ...] | None = None
        self._progress: dict[str, Any] = {}
        self._progress_is_new = False
        self._published: dict[str, Any] = {}
        self._next_save = monotonic() + SAVE_SECONDS
        self._rate = _Rate()
        self.parked: dict[str, Any] | None = None

    @property
    def cursor(self) -> Any:
        """The last saved (or, in this attempt, given) cursor; None at the beginning."""
        return self._cursor

    @property
    def step_key(self) -> str | None:
        """The same text in every attempt inside of a step, None outside: its idempotency key."""
        return None if self._step is None else f"{self.job_id}:{_digest(self._step)[:16]}"

    @property
    def shared_directory(self) -> Path:
        """A directory that all jobs of this store share, for what may be lost."""
        return self._channel.directory

    @property
    def cancelled(self) -> bool:
        """True once the job was asked to stop."""
        return self._channel.stop_wanted

    @property
    def log(self) -> logging.Logger:
        """A standard logger that writes into the job's log."""
        logger = logging.getLogger("outlast.job")
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    def step(self, name: str, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Return the kept result of the step `name`, or run `fn` and keep its JSON result before returning it.

        `fn` runs at least once, and again only if the process died between its effect and the save. Inside it,
        `step_key` is the same text in every attempt: send it along as an idempotency key. Raise UsageError if the
        name was used before in this job, NotStorable if the result is not JSON.
        """
        self._use(name)
        if name in self._known:
            return decode(self._known[name], name)  # type: ignore[no-any-return]
        self._step = name
        began = monotonic()
        try:
            result = fn(*args, **kwargs)
        finally:
            self._step = None
        self._save_step(name, "step", encode(result, f"the result of step {name!r}"), monotonic() - began)
        return result

    def each(self, items: Iterable[T], name: str = "each") -> Iterator[T]:
        """Yield the items that are not done; each is done, durably, when the body of the loop ends.

        Items are JSON values and told apart by their JSON text. Raise UsageError for duplicates.
        """
        todo = [(f"{name}:{_short(canonical_text(item, name))}", item) for item in items]
        for step_name, _ in todo:
            self._use(step_name)
        for step_name, item in todo:
            if step_name not in self._known:
                began = monotonic()
                yield item
                self._save_step(step_name, "item", "null", monotonic() - began)

    def checkpoint(
        self,
        cursor: Any,
        *,
        done: float | None = None,
        total: float | None = None,
        message: str | None = None,
        partial: Any = None,
        now: bool = False,
    ) -> None:
        """Offer how far the job is. Saved at the first call a second after the last save, or at once with `now`.

        `cursor` is found again as `ctx.cursor`; `partial` is a preview of the result. Both are JSON values, turned
        into text when they are saved. With `now` the save is durable when this returns.
        """
        self._cursor = cursor
        self._unsaved = (cursor, done, total, message, partial)
        if now or monotonic() >= self._next_save:
            self.flush(wait=True)

    def progress(self, done: float | None = None, total: float | None = None, message: str | None = None) -> None:
        """Say how far the job is; what is left out stays as it was. On disk within a second of the next call."""
        if self._unsaved is not None:  # what is said now is newer than what that checkpoint said
            cursor, *said, partial = self._unsaved
            self._note_progress(*said)
            self._unsaved = (cursor, None, None, None, partial)
        self._note_progress(done, total, message)
        if monotonic() >= self._next_save:
            self.flush(wait=False)

    def publish(self, **fields: Any) -> None:
        """Show more fields in the job object until the job ends; saved with the next checkpoint."""
        self._published = {**self._published, **fields}

    def wait(
        self,
        seconds: float | str | None = None,
        *,
        at: datetime | str | None = None,
        until: Callable[[], Any] | None = None,
        every: float | str = 5,
        name: str | None = None,
        gauge: Gauge | None = None,
        **waiting_info: Any,
    ) -> None:
        """Wait for a time or a condition; a wait that passed once is passed for ever.

        Exactly one of: `seconds` (or `"10m"`), `at` (aware datetime or ISO text), `until` (called every `every`
        seconds until it is true). More than two seconds give the process back: the job runs again from the top
        when it is time, and finished steps and passed waits return at once. `waiting_info` is shown meanwhile.
        With a `gauge`, `until` returns its value, and of all jobs that wait for that gauge one reads it for all.
        """
        if sum(given is not None for given in (seconds, at, until)) != 1:
            raise UsageError("wait needs exactly one of seconds, at and until.", "e.g. ctx.wait(60)")
        self._waits += 1
        if QUESTIONS in waiting_info:
            raise UsageError(f"{QUESTIONS!r} is a word of ours in waiting_info.", "Use another one.")
        step_name = f"wait:{name if name is not None else self._waits}"
        self._use(step_name)
        if until is not None and gauge is not None:
            self._wait_gauge(step_name, gauge, until, parse_duration(every), waiting_info)
        elif until is not None:
            self._wait_until(step_name, until, parse_duration(every), waiting_info)
        else:
            self._wait_time(step_name, _moment(seconds, at), waiting_info)

    def ask(self, question: str, schema: Mapping[str, Any] | None = None, *, name: str | None = None) -> Any:
        """Return the answer to a question, a JSON value that fits the JSON `schema` (default: a text).

        The job gives its process back until somebody answers (`outlast answer`, MCP), and then runs again from the
        top, where this returns at once. `name` (default: its ordinal) is unique in the job. Raise Declined if whoever
        was asked would not say.
        """
        self._asks += 1
        key = str(self._asks) if name is None else name
        return self.ask_all({key: (question, schema)})[key]

    def ask_all(self, questions: Mapping[str, tuple[str, Mapping[str, Any] | None]]) -> dict[str, Any]:
        """Return the answers to several questions that are asked at once, by their names; see `ask`."""
        asked = [make_question(name, text, schema) for name, (text, schema) in questions.items()]
        for question in asked:
            self._use(question.step_name)
        missing = [question.as_json() for question in asked if question.step_name not in self._known]
        if missing:
            self._park({"reason": "input", "info": {QUESTIONS: missing}})
        return {question.name: self._answer_to(question) for question in asked}

    def read_gauge(self, name: str, value: int, *, every: float | str = 5) -> None:
        """Tell what a gauge says now: the jobs that wait for that go on, and need not read it within `every`."""
        self._channel.tell({"op": "gauge", "gauge": {"name": name, "value": value, "every": parse_duration(every)}})

    def name_for(self, purpose: str) -> str:
        """Return a step name for our own use: the same in every attempt, and no other's in this one."""
        self._ordinal += 1
        return f"outlast:{purpose}:{self._ordinal}"

    def flush(self, *, wait: bool) -> None:
        """Send what is not saved yet; with `wait`, return when it is durable."""
        save = self.take_unsaved()
        if save:
            if wait:
                self._channel.request({"op": "save", "save": save, "wait": True})
            else:
                self._channel.tell({"op": "save", "save": save})
        self._next_save = monotonic() + SAVE_SECONDS

    def take_unsaved(self) -> dict[str, Any]:
        """Return what is not saved yet as the fields of a save, and regard it as saved."""
        save: dict[str, Any] = {}
        if self._unsaved is not None:
            cursor, done, total, message, partial = self._unsaved
            save["cursor"] = encode(cursor, "the cursor")
            if partial is not None:
                save["partial"] = encode(partial, "partial")
            if done is not None or total is not None or message is not None:
                self._note_progress(done, total, message)
        if self._progress_is_new:
            save["progress"] = {**self._progress, "rate": self._rate.of(self._progress.get("done"))}
        if self._published:
            save["extra"] = decode(encode(self._published, "published fields"))
        self._unsaved, self._progress_is_new, self._published = None, False, {}
        self._next_save = monotonic() + SAVE_SECONDS
        return save

    def _save_step(self, name: str, kind: str, result: str, seconds: float) -> None:
        message = {"op": "step", "name": name, "kind": kind, "result": result, "ms": round(seconds * 1000, 3)}
        save = self.take_unsaved()
        if save:
            message["save"] = save
        self._channel.request(message)
        self._known[name] = result

    def _use(self, name: str) -> None:
        if not isinstance(name, str) or not name or len(name) > LONGEST_NAME:
            raise UsageError(f"{name!r:.80} is no name of a step.", f"Use 1 to {LONGEST_NAME} characters.")
        if not name.isascii():
            encode(name, "the name of a step")
        if name in self._used:
            raise UsageError(f"The step {name!r} comes twice in this job.", "Give each step a name of its own.")
        if self.parked is not None:  # the job swallowed Parked; it must not go on
            raise Parked
        self._used.add(name)

    def _answer_to(self, question: Question) -> Any:
        kept = decode(self._known[question.step_name], question.step_name)
        if "answer" not in kept:
            raise Declined(f"The question {question.name!r} was declined: {question.text:.200}")
        return kept["answer"]

    def _note_progress(self, done: float | None, total: float | None, message: str | None) -> None:
        for word, value in (("done", done), ("total", total)):
            if value is not None and _is_number(value):
                self._progress[word] = value
        if message is not None:
            self._progress["message"] = _clean(str(message))[:1_000]
        self._progress_is_new = True

    def _wait_time(self, name: str, until: Moment, info: dict[str, Any]) -> None:
        if name in self._known:
            until = decode(self._known[name])["until"]
        left = until / 1000 - time()
        if left <= 0:
            return
        if left <= HELD_SECONDS and name not in self._known:
            self._channel.hold(left)
            return
        wait = {"reason": "time", "wake_at": until, "info": _storable(info)}
        if name not in self._known:
            wait["step"] = {"name": name, "result": encode({"until": until}, name)}
        self._park(wait)

    def _wait_until(self, name: str, until: Callable[[], Any], every: float, info: dict[str, Any]) -> None:
        if name in self._known:
            return
        while not until():
            if every > HELD_SECONDS:
                self._park({"reason": "condition", "delay": every, "info": _storable(info)})
            self._channel.hold(every)
        self._save_step(name, "wait", "null", 0.0)

    def _wait_gauge(
        self, name: str, gauge: Gauge, until: Callable[[], int], every: float, info: dict[str, Any]
    ) -> None:
        if name in self._known:
            return
        value = until()
        if value < gauge.reaches:
            reading = {"name": gauge.name, "reaches": gauge.reaches, "value": value, "every": every}
            info = {**info, FOLLOWS: {field: list(rule) for field, rule in gauge.shows.items()}}
            self._park({"reason": "condition", "gauge": reading, "info": _storable(info)})
        self.read_gauge(gauge.name, value, every=every)
        self._save_step(name, "wait", "null", 0.0)

    def _park(self, wait: dict[str, Any]) -> None:
        self.parked = wait
        raise Parked


class _Rate:
    """Units of `done` per second, smoothed over the saves of this attempt."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._rate: float | None = None

    def of(self, done: float | None) -> float | None:
        if done is None:
            return None
        at = monotonic()
        if self._last is not None and at - self._last[1] > 0.2:
            newest = max(0.0, (done - self._last[0]) / (at - self._last[1]))
            old = self._rate if self._rate is not None else newest
            self._rate = (1 - RATE_WEIGHT) * old + RATE_WEIGHT * newest
        if self._last is None or at - self._last[1] > 0.2:
            self._last = (done, at)
        return None if self._rate is None else float(f"{self._rate:.4g}")


def canonical_text(item: Any, name: str) -> str:
    """Return the JSON text that tells an item apart. Raise NotStorable."""
    encode(item, f"an item of {name!r}")
    return canonical(item)


def _storable(info: dict[str, Any]) -> Any:
    return decode(encode(info, "waiting_info"))


def _short(text: str) -> str:
    if len(text) <= 200:
        return text
    return f"{text[:80]}…{_digest(text)}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _moment(seconds: float | str | None, at: datetime | str | None) -> Moment:
    if seconds is not None:
        return round((time() + parse_duration(seconds)) * 1000)
    return from_iso(at) if isinstance(at, str) else from_datetime(at)  # type: ignore[arg-type]


def _digest(text: str) -> str:
    return sha256(text.encode()).hex()
