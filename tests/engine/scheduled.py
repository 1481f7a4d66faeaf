"""A job that tells how the system schedules it."""

import os
import subprocess
import sys
from itertools import count

from outlast import Context, job

_ASK = "import os; print(os.sched_getscheduler(0))"


@job
def tells() -> dict[str, int]:
    """Return the policy of this process, of one that it starts, and of itself after it has chosen another."""
    found = {"own": os.sched_getscheduler(0)}
    found["child"] = int(subprocess.check_output([sys.executable, "-c", _ASK]))
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return {**found, "chosen": os.sched_getscheduler(0)}


@job
def saves(ctx: Context) -> None:
    """Save until it is cancelled: without a supervisor it starts one."""
    for turn in count():
        ctx.checkpoint(turn, now=True)
