"""The tree of errors: what its docstring draws, and what the command line needs of each."""

import pytest

from outlast.core import errors

ALL = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, (Exception, BaseException))
]
STORE_CODES = {"store_damaged", "store_full", "store_read_only", "store_newer"}
CODES = {"usage", "not_found", "conflict", "busy", "timeout", "refused", "internal"} | STORE_CODES


@pytest.mark.parametrize("kind", ALL)
def test_every_error_stands_in_the_tree(kind: type) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", [kind for kind in ALL if issubclass(kind, errors.OutlastError)])
def test_every_error_has_a_code_and_an_exit_code_of_the_contract(kind: type[errors.OutlastError]) -> None:
    assert kind.code in CODES
    assert kind.exit_code in (1, 2, 3, 4, 5)


def test_an_error_says_its_mend_after_its_message() -> None:
    error = errors.NotFound("No job 'x'.", "Run outlast list.")

    assert str(error) == "No job 'x'. Run outlast list."
    assert (error.message, error.fix) == ("No job 'x'.", "Run outlast list.")


def test_a_wait_that_ended_first_is_an_ordinary_timeout_error() -> None:
    assert issubclass(errors.WaitTimeout, TimeoutError)


def test_a_cancellation_is_not_swallowed_by_except_exception() -> None:
    assert not issubclass(errors.JobCancelled, Exception)
