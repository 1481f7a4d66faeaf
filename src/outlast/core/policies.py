"""What follows from an end: retry, resume, or fail. Pure decisions; the store carries them out."""

from typing import Any, Literal, NamedTuple

from outlast.core.durations import parse_duration
from outlast.core.errors import UsageError
from outlast.core.status import Reason, Status

JITTER = 0.2
"""Retries are spread by ± this fraction, so that jobs which failed together do not come back together."""

DEFAULT_MAX_CRASHES = 3
INTERRUPTED_WORDS = "Job was interrupted by system shutdown"


class Backoff(NamedTuple):
    """Exponential: the first retry after `least_seconds`, each next after twice as long, up to `most_seconds`."""

    least_seconds: float = 1.0
    most_seconds: float = 300.0

    def delay(self, tries: int, spread: float) -> float:
        """Return the seconds before the next try after `tries` tries; `spread` is a random number in 0..1."""
        base = min(self.most_seconds, self.least_seconds * 2.0 ** min(tries - 1, 60))
        return base * (1 - JITTER + 2 * JITTER * spread)


def parse_backoff(text: str) -> Backoff:
    """Return the rule of `1s..5m`, or of one duration `30s` (always the same). Raise UsageError."""
    least, dots, most = text.partition("..")
    rule = Backoff(least_seconds=parse_duration(least), most_seconds=parse_duration(most if dots else least))
    if rule.most_seconds < rule.least_seconds:
        raise UsageError(f"{text!r} ends before it begins.", "Write the shorter duration first: 1s..5m.")
    return rule


class Policy(NamedTuple):
    """The rules of one job; see `@job` for their meaning. `retry_on` holds full names of exception classes.

    `max_crashes` None: as its supervisor is set.
    """

    max_attempts: int = 1
    backoff: Backoff = Backoff()
    retry_on: tuple[str, ...] = ("builtins.Exception",)
    timeout_seconds: float | None = None
    on_interrupt: Literal["resume", "fail"] = "resume"
    isolation: Literal["warm", "process"] = "warm"
    memory_limit_bytes: int | None = None
    max_crashes: int | None = None
    keep: bool = False
    on_end: str | None = None

    def as_object(self) -> dict[str, Any]:
        """Return the rules as they stand in JSON."""
        return {**self._asdict(), "backoff": self.backoff._asdict()}


class Verdict(NamedTuple):
    """What becomes of a job that ran: its next status, why, after how long, and the counters."""

    status: Status
    tries: int
    crashes: int
    reason: Reason | None = None
    delay_seconds: float | None = None
    error: str | None = None


class Counters(NamedTuple):
    """The counters of a job before its end is judged."""

    tries: int
    crashes: int
    saved: bool


def after_failure(
    policy: Policy, counters: Counters, error: str, *, because: Reason, retryable: bool, spread: float
) -> Verdict:
    """Judge an attempt that ended by itself: `because` is ERROR, TIMEOUT or OUT_OF_MEMORY; it counts as a try."""
    tries = counters.tries + 1
    if retryable and tries < policy.max_attempts:
        delay = policy.backoff.delay(tries, spread)
        return Verdict(
            status=Status.WAITING,
            reason=Reason.RETRY,
            delay_seconds=delay,
            tries=tries,
            crashes=counters.crashes,
            error=error,
        )
    exhausted = retryable and policy.max_attempts > 1
    reason = Reason.ATTEMPTS_EXHAUSTED if exhausted else because
    return Verdict(status=Status.FAILED, reason=reason, tries=tries, crashes=counters.crashes, error=error)


def after_death(
    policy: Policy,
    counters: Counters,
    cause: str,
    *,
    rebooted: bool,
    because: Reason = Reason.CRASH,
    max_crashes: int = DEFAULT_MAX_CRASHES,
) -> Verdict:
    """Judge a process that died under its job: `because` is CRASH or OUT_OF_MEMORY. A crash is never a try.

    It counts against `max_crashes` only if nothing was saved since the last death and the machine was not rebooted.
    """
    if policy.on_interrupt == "fail":
        return Verdict(
            status=Status.FAILED,
            reason=Reason.INTERRUPTED,
            tries=counters.tries,
            crashes=counters.crashes,
            error=INTERRUPTED_WORDS,
        )
    crashes = counters.crashes + (0 if counters.saved or rebooted else 1)
    if crashes >= (policy.max_crashes or max_crashes) and crashes > counters.crashes:
        return Verdict(status=Status.FAILED, reason=because, tries=counters.tries, crashes=crashes, error=cause)
    return Verdict(status=Status.QUEUED, tries=counters.tries, crashes=crashes)
