"""The job that does nothing but say that it has run, and needs next to nothing: whoever forks for it loads it anew."""

import os


def tick() -> None:
    """Say that a no-op job has run: one byte, in one write, without a flush."""
    path = os.path.join(os.environ["PEER_PLACE"], "ticks")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, b".")
    finally:
        os.close(descriptor)


def noop() -> int:
    """Be the job."""
    tick()
    return 1
