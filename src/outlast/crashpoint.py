"""Named places where a test may kill the process. Inert unless OUTLAST_CRASH_POINT names one.

`OUTLAST_CRASH_POINT=save_step:committed` kills at the first hit, `save_step:committed#3` at the third.
`OUTLAST_CRASH_ONCE=FILE` kills once: FILE is created first, and while it exists nothing is killed.
"""

import os
import signal

_armed = os.environ.get("OUTLAST_CRASH_POINT", "")
_hits = 0


def crash_point(name: str) -> None:
    """Do nothing, or end this process with SIGKILL if the environment says so."""
    if _armed:
        _kill_at(name)


def _kill_at(name: str) -> None:
    global _hits
    wanted, _, count = _armed.partition("#")
    if name != wanted:
        return
    _hits += 1
    if _hits < int(count or 1):
        return
    once = os.environ.get("OUTLAST_CRASH_ONCE")
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
