"""6. A job that fails may be tried again; one that takes too long is ended."""

from pathlib import Path

import pytest

from outlast import Context, JobFailed, job
from outlast.core.errors import UsageError
from tests.tutorial.notebook import note, notes


@job(max_attempts=3, backoff="10ms..20ms")
def flaky(ctx: Context, good_at: int) -> int:
    if ctx.attempt < good_at:
        raise ConnectionError(f"attempt {ctx.attempt}")
    return ctx.attempt


def test_a_failure_is_tried_again_after_a_while() -> None:
    handle = flaky.submit(3)

    assert handle.result(timeout=20) == 3
    assert handle.job()["tries"] == 2


def test_when_the_attempts_are_used_up_the_last_error_stands() -> None:
    handle = flaky.submit(99)

    with pytest.raises(JobFailed, match="ConnectionError: attempt 3") as raised:
        handle.result(timeout=20)

    assert raised.value.reason == "attempts_exhausted"


@job(max_attempts=3, backoff="10ms", retry_on=(OSError, TimeoutError))
def picky(path: str, error: str) -> None:
    note(path, error)
    raise {"KeyError": KeyError, "ConnectionError": ConnectionError}[error](error)


@pytest.mark.parametrize(("error", "attempts", "reason"), [("KeyError", 1, "error"), ("ConnectionError", 3, "")])
def test_retry_on_says_which_exceptions_are_worth_another_try(
    tmp_path: Path, error: str, attempts: int, reason: str
) -> None:
    ended = picky.submit(str(tmp_path / "notes"), error).wait(timeout=20)

    assert notes(tmp_path / "notes") == [error] * attempts
    assert ended["reason"] == (reason or "attempts_exhausted")


@job(timeout="300ms")
def takes_for_ever() -> None:
    while True:
        pass


def test_an_attempt_that_takes_too_long_is_ended() -> None:
    handle = takes_for_ever.submit()

    with pytest.raises(JobFailed, match=r"ran longer than 0\.3 s") as raised:
        handle.result(timeout=20)

    assert raised.value.reason == "timeout"


@job(timeout="1s", max_attempts=2, backoff="10ms")
def slow_at_first(ctx: Context) -> int:
    while ctx.attempt == 1:
        pass
    return ctx.attempt


def test_a_timeout_is_a_try() -> None:
    assert slow_at_first.submit().result(timeout=20) == 2


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"max_attempts": 0}, "max_attempts is 0"),
        ({"timeout": "soon"}, "'soon' is not a duration"),
        ({"backoff": "5m..1s"}, "ends before it begins"),
        ({"retry_on": "ValueError"}, "retry_on has 'ValueError'"),
        ({"isolation": "thread"}, "isolation is 'thread'"),
        ({"max_attemps": 3}, "no rule 'max_attemps'. Did you mean max_attempts?"),
        ({"colour": "red"}, "no rule 'colour'"),
    ],
)
def test_rules_that_make_no_sense_are_refused_where_they_stand(rules: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        job(**rules)(slow_at_first.fn)  # type: ignore[call-overload]
