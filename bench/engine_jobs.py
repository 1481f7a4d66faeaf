"""The jobs that bench/engine.py runs."""

import itertools
import os
import statistics
import time
from collections import deque
from pathlib import Path

from outlast import Context, job


@job
def noop() -> int:
    return 1


@job
def takes(text: str) -> int:
    return len(text)


@job
def many_steps(ctx: Context, count: int) -> float:
    """Return durable steps per second as the job itself sees them."""
    began = time.perf_counter()
    for number in range(count):
        ctx.step(f"step {number}", int)
    return count / (time.perf_counter() - began)


@job
def many_checkpoints(ctx: Context, count: int) -> float:
    """Return the µs of CPU time of a checkpoint while nothing is due: the median of blocks, which end in a second."""
    spent = []
    for _ in range(10):
        began = time.process_time()
        for number in range(count):
            ctx.checkpoint(number, done=number, total=count)
        spent.append((time.process_time() - began) / count * 1e6)
    return statistics.median(spent)


@job
def heed(ctx: Context, path: str) -> None:
    """Look every few milliseconds whether to stop, saying so in a file that outsiders watch."""
    with Path(path).open("a") as file:
        file.write(f"{ctx.attempt} {os.getpid()} {time.monotonic()}\n")
    while not ctx.cancelled:
        time.sleep(0.005)


@job
def spin(ctx: Context, path: str) -> None:
    """Compute for ever, saying so in a file that outsiders watch."""
    with Path(path).open("a") as file:
        file.write(f"{ctx.attempt} {os.getpid()} {time.monotonic()}\n")
    while True:
        pass


@job
def nap(ctx: Context, path: str) -> None:
    """Sleep for ever, saying so in a file that outsiders watch."""
    with Path(path).open("a") as file:
        file.write(f"{ctx.attempt} {os.getpid()} {time.monotonic()}\n")
    while True:
        time.sleep(60)


@job
def hold(ctx: Context, path: str) -> None:
    """Stay in C without ever letting go of the interpreter, saying so in a file that outsiders watch."""
    with Path(path).open("a") as file:
        file.write(f"{ctx.attempt} {os.getpid()} {time.monotonic()}\n")
    deque(itertools.repeat(0), maxlen=0)


@job
def wait_a_moment() -> None:
    """Take so long that each of several jobs gets a process of its own."""
    time.sleep(1.0)


@job
def note_time(path: str, due: float = 0.0) -> None:
    """Append how late this job began, in seconds."""
    late = f"{time.time() - due:.4f}\n".encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, late)
    os.close(file)
