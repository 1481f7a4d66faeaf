"""Planted faults have several chances to be caught."""

from collections.abc import Callable

MOST_TORTURES = 8


def caught(shows: Callable[[int], bool]) -> bool:
    """Tell whether a planted fault shows in one of several tortures, which are numbered from 0.

    Where it shows is a moment, and on a busy machine all kills of one torture may miss it.
    """
    return any(map(shows, range(MOST_TORTURES)))
