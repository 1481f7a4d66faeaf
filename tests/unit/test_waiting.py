"""`eventually` waits no longer than it must, and says what it waited for."""

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from tests.waiting import eventually


def test_it_returns_the_first_true_value() -> None:
    values: Iterator[str] = iter(["", "", "there", "later"])

    assert eventually(lambda: next(values)) == "there"


def test_it_sees_what_another_thread_does() -> None:
    done = threading.Event()
    threading.Timer(0.02, done.set).start()

    assert eventually(done.is_set, timeout=5) is True


def test_it_fails_at_its_deadline_and_names_what_was_missing() -> None:
    began = monotonic()

    with pytest.raises(AssertionError, match=r"Waited 0\.05 s for the file; the last answer was None"):
        eventually(lambda: None, timeout=0.05, what="the file")

    assert monotonic() - began >= 0.05


def test_it_asks_once_even_without_time() -> None:
    assert eventually(lambda: 7, timeout=0) == 7


def test_an_error_of_the_condition_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 // 0)
