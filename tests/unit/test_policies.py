"""What follows from an end: retry, resume, or fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.policies import (
    INTERRUPTED_WORDS,
    JITTER,
    Backoff,
    Counters,
    Policy,
    Verdict,
    after_death,
    after_failure,
    parse_backoff,
)
from outlast.core.status import Reason, Status, check_move

FRESH = Counters(tries=0, crashes=0, saved=False)
SPREADS = st.floats(0, 1)
TRIES = st.integers(1, 10_000)
RULES = st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)).map(
    lambda two: Backoff(least_seconds=min(two), most_seconds=max(two))
)


def fail(policy: Policy, counters: Counters = FRESH, because: Reason = Reason.ERROR, retryable: bool = True) -> Verdict:
    return after_failure(policy, counters, "ValueError: no", because=because, retryable=retryable, spread=0.5)


def test_the_delay_doubles_until_its_limit() -> None:
    rule = Backoff(least_seconds=1, most_seconds=5)

    assert [rule.delay(tries, spread=0.5) for tries in (1, 2, 3, 4, 100)] == [1, 2, 4, 5, 5]


@given(rule=RULES, tries=TRIES, spread=SPREADS)
def test_the_delay_stays_within_its_bounds(rule: Backoff, tries: int, spread: float) -> None:
    delay = rule.delay(tries, spread)

    assert rule.least_seconds * (1 - JITTER) <= delay * (1 + 1e-9)
    assert delay <= rule.most_seconds * (1 + JITTER) * (1 + 1e-9)


@given(rule=RULES, tries=TRIES, spread=SPREADS)
def test_jitter_spreads_by_a_fifth_around_the_middle(rule: Backoff, tries: int, spread: float) -> None:
    middle = rule.delay(tries, 0.5)

    assert rule.delay(tries, 0.0) == pytest.approx(middle * 0.8)
    assert rule.delay(tries, 1.0) == pytest.approx(middle * 1.2)
    assert rule.delay(tries, 0.0) <= rule.delay(tries, spread) <= rule.delay(tries, 1.0)


@given(rule=RULES, tries=TRIES, spread=SPREADS)
def test_a_later_try_never_waits_less(rule: Backoff, tries: int, spread: float) -> None:
    assert rule.delay(tries, spread) <= rule.delay(tries + 1, spread)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("1s..5m", 1, 300), ("30s", 30, 30), ("500ms .. 1m30s", 0.5, 90), ("0s", 0, 0), ("1s..1s", 1, 1)],
)
def test_a_backoff_reads_as_written(text: str, least: float, most: float) -> None:
    assert parse_backoff(text) == Backoff(least_seconds=least, most_seconds=most)


@pytest.mark.parametrize("text", ["", "..", "1s..", "..5m", "5m..1s", "1s..5m..9m", "soon", "-1s", "1"])
def test_a_backoff_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_backoff(text)


def test_a_failure_without_retries_keeps_its_own_reason() -> None:
    verdict = fail(Policy())

    assert verdict == Verdict(status=Status.FAILED, reason=Reason.ERROR, tries=1, crashes=0, error="ValueError: no")


@pytest.mark.parametrize("because", [Reason.ERROR, Reason.TIMEOUT, Reason.OUT_OF_MEMORY])
def test_a_failure_with_tries_left_waits_for_its_retry(because: Reason) -> None:
    verdict = fail(Policy(max_attempts=3, backoff=Backoff(least_seconds=10)), because=because)

    assert (verdict.status, verdict.reason, verdict.delay_seconds) == (Status.WAITING, Reason.RETRY, 10)
    assert (verdict.tries, verdict.error) == (1, "ValueError: no")


def test_the_last_try_used_up_fails_as_exhausted() -> None:
    policy = Policy(max_attempts=3)

    before, last = fail(policy, FRESH._replace(tries=1)), fail(policy, FRESH._replace(tries=2))

    assert (before.status, before.tries) == (Status.WAITING, 2)
    assert (last.status, last.reason, last.tries) == (Status.FAILED, Reason.ATTEMPTS_EXHAUSTED, 3)
    assert last.delay_seconds is None


def test_a_failure_that_must_not_be_retried_fails_at_once_with_its_own_reason() -> None:
    verdict = fail(Policy(max_attempts=3), because=Reason.TIMEOUT, retryable=False)

    assert (verdict.status, verdict.reason, verdict.tries) == (Status.FAILED, Reason.TIMEOUT, 1)


def test_a_try_leaves_the_crashes_alone() -> None:
    counters = Counters(tries=0, crashes=2, saved=True)

    assert fail(Policy(), counters).crashes == fail(Policy(max_attempts=2), counters).crashes == 2


def test_a_death_puts_the_job_back_and_is_no_try() -> None:
    verdict = after_death(Policy(), FRESH, "killed by SIGKILL", rebooted=False)

    assert verdict == Verdict(status=Status.QUEUED, tries=0, crashes=1)


def test_as_many_deaths_as_allowed_fail_the_job_with_their_cause() -> None:
    policy = Policy(max_crashes=3)

    second = after_death(policy, FRESH._replace(crashes=1), "killed by SIGSEGV", rebooted=False)
    third = after_death(policy, FRESH._replace(crashes=2), "killed by SIGSEGV", rebooted=False)

    assert (second.status, second.crashes) == (Status.QUEUED, 2)
    assert (third.status, third.reason, third.crashes) == (Status.FAILED, Reason.CRASH, 3)
    assert third.error == "killed by SIGSEGV"


@pytest.mark.parametrize(("saved", "rebooted"), [(True, False), (False, True), (True, True)])
def test_a_death_after_a_save_or_a_reboot_does_not_count(saved: bool, rebooted: bool) -> None:
    counters = Counters(tries=0, crashes=2, saved=saved)

    verdict = after_death(Policy(max_crashes=3), counters, "killed", rebooted=rebooted)

    assert (verdict.status, verdict.crashes) == (Status.QUEUED, 2)


def test_a_death_that_does_not_count_never_fails_a_job_over_a_lowered_limit() -> None:
    counters = Counters(tries=0, crashes=5, saved=True)

    assert after_death(Policy(max_crashes=3), counters, "killed", rebooted=False).status is Status.QUEUED


def test_a_job_that_must_not_resume_fails_as_interrupted_in_the_agreed_words() -> None:
    counters = Counters(tries=1, crashes=0, saved=True)

    verdict = after_death(Policy(on_interrupt="fail"), counters, "killed by SIGKILL", rebooted=True)

    assert (verdict.status, verdict.reason) == (Status.FAILED, Reason.INTERRUPTED)
    assert verdict.error == INTERRUPTED_WORDS == "Job was interrupted by system shutdown"
    assert (verdict.tries, verdict.crashes) == (1, 0)


@given(
    policy=st.builds(
        Policy,
        max_attempts=st.integers(1, 5),
        max_crashes=st.integers(1, 5),
        on_interrupt=st.sampled_from(["resume", "fail"]),
    ),
    counters=st.builds(Counters, tries=st.integers(0, 5), crashes=st.integers(0, 5), saved=st.booleans()),
    yes=st.booleans(),
    spread=SPREADS,
)
def test_every_verdict_is_a_legal_move_and_counts_only_what_happened(
    policy: Policy, counters: Counters, yes: bool, spread: float
) -> None:
    failure = after_failure(policy, counters, "no", because=Reason.ERROR, retryable=yes, spread=spread)
    death = after_death(policy, counters, "killed", rebooted=yes)

    for verdict in (failure, death):
        check_move(Status.RUNNING, verdict.status, verdict.reason)
        assert (verdict.delay_seconds is not None) == (verdict.status is Status.WAITING)
        assert (verdict.error is not None) or verdict.status is Status.QUEUED
    assert (failure.tries, failure.crashes) == (counters.tries + 1, counters.crashes)
    assert death.tries == counters.tries
    assert death.crashes - counters.crashes in (0, 1)
