"""Jobs that do not want to end, each in its own way. They write the pids they live in into a file."""

import itertools
import os
import signal
import threading
from collections import deque

from outlast import Context, job


def note_pid(path: str) -> None:
    """Add this process to the file; one short O_APPEND write is whole."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    os.close(descriptor)


@job
def cpu_loop(path: str) -> None:
    note_pid(path)
    number = 0
    while True:
        number += 1


@job
def holds_the_interpreter(path: str) -> None:
    note_pid(path)
    deque(itertools.repeat(0), maxlen=0)  # never leaves C, never looks at signals, never releases the interpreter


@job
def ignores_the_request(path: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note_pid(path)
    while True:
        signal.pause()


@job
def leaves_a_grandchild(path: str) -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            note_pid(path)
            while True:
                signal.pause()
        os._exit(0)
    note_pid(path)
    threading.Event().wait()


@job
def saves_without_end(ctx: Context) -> None:
    for number in itertools.count():
        ctx.step(str(number), int)
