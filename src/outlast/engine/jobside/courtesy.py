"""A job process does not drive the supervisor from its core when it has been answered: others wait for answers too.

It becomes batch work (Linux, sched(7)), which gets as much time as before. What a job starts is batch work as well, and
may be anything else if it says so. Where somebody has chosen how we are scheduled, that stays.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_gives_way = False


def give_way() -> None:
    """Be batch work, if nobody has chosen anything."""
    global _gives_way
    _gives_way = hasattr(os, "SCHED_BATCH") and _change(os.SCHED_OTHER, os.SCHED_BATCH)


@contextmanager
def as_anybody() -> Iterator[None]:
    """Be what we were before, for a block that starts what is no part of the job."""
    if not _gives_way:
        yield
        return
    changed = _change(os.SCHED_BATCH, os.SCHED_OTHER)
    try:
        yield
    finally:
        if changed:
            _change(os.SCHED_OTHER, os.SCHED_BATCH)


def _change(before: int, after: int) -> bool:
    with suppress(OSError):
        if os.sched_getscheduler(0) == before:
            os.sched_setscheduler(0, after, os.sched_param(0))
            return True
    return False
