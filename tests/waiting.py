"""Waiting for something to become true: the one place in the tests where time is allowed to pass."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_PAUSE_SECONDS = 0.005

T = TypeVar("T")


def eventually(condition: Callable[[], T | None], *, timeout: float = 10.0, what: str = "the condition") -> T:
    """Return the first true value of `condition`. Raise AssertionError naming `what` after `timeout` seconds.

    The condition is asked at least once, and once more after the deadline, so a stalled machine does not fail a test
    whose condition has long been true.
    """
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while True:
        late = time.monotonic() >= deadline
        value = condition()
        if value:
            return value
        if late:
            raise AssertionError(f"Waited {timeout:g} s for {what}; the last answer was {value!r:.300}.")
        pause.wait(_PAUSE_SECONDS)
