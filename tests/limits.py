"""Limits of time that the torture programme holds to. In other runs of the tests none fails for a slow machine."""

import os

from tests.figures import RECORD_VARIABLE


def hold_to(limit: float, seconds: float, what: str = "it") -> None:
    """Raise AssertionError if so many seconds are more than the limit and the torture programme runs."""
    if RECORD_VARIABLE in os.environ:
        assert seconds < limit, f"{what} took {seconds:.2f} s of {limit:g} s"
