"""Short jobs of one function: after a few of them, more are handed to a process than it runs at a time."""

import os
import signal
import threading

from outlast import job


@job
def short(path: str, number: int, then: str = "") -> int:
    """Note this run in the file, then do what the test wants of this one job."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{number} {os.getpid()}\n".encode())
    os.close(descriptor)
    if then == "close everything":
        os.closerange(3, 1_000)
    elif then == "stop":
        threading.Event().wait()
    elif then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@job(on_interrupt="fail")
def short_and_once(path: str, number: int) -> int:
    return short(path, number)
