"""Schedules that are due: what core decides, the store does, each in one transaction."""

import logging

from outlast.core.errors import UsageError
from outlast.core.moments import to_iso
from outlast.core.ports import Supervision
from outlast.core.schedules import Firing, Scheduled, decide

log = logging.getLogger("outlast")


def fire_due(store: Supervision, limit: int) -> int:
    """Submit the jobs of at most `limit` schedules whose time has come; return how many schedules were seen to."""
    due = store.due_schedules(limit)
    for found in due:
        firing = _decide(store, found)
        store.fire_schedule(found, firing)
        _tell(found, firing)
    return len(due)


def _decide(store: Supervision, found: Scheduled) -> Firing:
    previous = None if found.last_job_id is None else store.get(found.last_job_id)
    runs = previous is not None and not previous.status.is_end
    try:
        return decide(found, store.now(), previous_runs=runs)
    except (UsageError, ValueError, LookupError, OSError) as error:
        # Its zone is gone from this machine, or its row was made by something else. Others must not wait for it.
        log.error("Schedule %s cannot be due any more: %s. Add it again.", found.schedule.name, error)
        return Firing(times=(), next_at=None)


def _tell(found: Scheduled, firing: Firing) -> None:
    name, due = found.schedule.name, to_iso(found.next_at or 0)
    if firing.overlaps:
        log.info("Schedule %s: %s is skipped, %s has not ended.", name, due, found.last_job_id)
    elif firing.passed_over:
        log.info("Schedule %s: not all that was missed since %s is made up.", name, due)
