"""A client under torture: submits jobs with keys and waits for them; started again, it sends the last keys again.

Usage: client.py DATA_DIR DIRECTORY NAME SEED LONG_SHARE BURST. It logs `try KEY`, `ack KEY ID` and `done KEY`, and
ends once DIRECTORY/stop exists and all its jobs have ended.
"""

import os
import random
import sys
from collections import deque
from pathlib import Path

from outlast import Handle, Outlast
from outlast.functions import with_policy
from tests.torture.work import dash, work

WINDOW = 4
"""So many jobs of one client are on their way at a time."""
STEPS = 5
SHORT_MS, LONG_MS = 6, 250
KEPT_WORK, KEPT_DASH = with_policy(work, keep=True), with_policy(dash, keep=True)
"""Pruning leaves them alone: the oracle asks for them at the end."""
KEPT_ALONE = with_policy(KEPT_WORK, isolation="process")


def milliseconds_of(seed: str, number: int, long_share: float) -> list[int]:
    """Return how long each half of each step of a job takes; the same for every client process of the same name."""
    chance = random.Random(f"{seed} {number}")
    return [LONG_MS if chance.random() < long_share else chance.randint(1, SHORT_MS) for _ in range(STEPS)]


def main(data_dir: str, directory: Path, name: str, seed: str, long_share: float, burst: int) -> None:
    log = os.open(directory / f"{name}.client", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    lines = os.read(log, 1 << 24).decode().splitlines()
    tried = [line.split()[1] for line in lines if line.startswith("try ") and "+" not in line]
    number = max(0, len(set(tried)) - 2 * WINDOW)
    with Outlast(data_dir) as outlast:
        waiting: deque[tuple[str, Handle]] = deque()
        while not (directory / "stop").exists() or number < len(set(tried)):
            key = f"{name}-{number}"
            os.write(log, f"try {key}\n".encode())
            kept = KEPT_ALONE if number % 3 == 0 else KEPT_WORK
            handle = outlast.submit(kept, str(directory), key, milliseconds_of(seed, number, long_share), key=key)
            os.write(log, f"ack {key} {handle.id}\n".encode())
            waiting.append((key, handle))
            waiting += _burst(outlast, directory, key, log, burst)[-1:]
            number += 1
            while len(waiting) >= (2 * WINDOW if burst else WINDOW):
                _await_first(waiting, log)
        while waiting:
            _await_first(waiting, log)


def _burst(outlast: Outlast, directory: Path, key: str, log: int, count: int) -> list[tuple[str, Handle]]:
    """Submit the short jobs that follow a job; their keys have a + in them."""
    submitted = []
    for number in range(count):
        short = f"{key}+{number}"
        os.write(log, f"try {short}\n".encode())
        handle = outlast.submit(KEPT_DASH, str(directory), short, key=short)
        os.write(log, f"ack {short} {handle.id}\n".encode())
        submitted.append((short, handle))
    return submitted


def _await_first(waiting: deque[tuple[str, Handle]], log: int) -> None:
    key, handle = waiting.popleft()
    handle.wait()
    os.write(log, f"done {key}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5]), int(sys.argv[6]))
