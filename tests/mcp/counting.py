"""The job of the killing test: three steps, each noted in a file outside of the product."""

import os

from outlast import Context, job

STEPS = ("one", "two", "three")


@job
def noted(ctx: Context, number: int, path: str) -> int:
    """Note three steps."""
    for step in STEPS:
        ctx.step(step, note, path, f"{number} {step} {ctx.attempt} {os.getpid()}")
    return number


def note(path: str, words: str) -> None:
    """Add a line to the file, in one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(descriptor, f"{words}\n".encode())
    os.close(descriptor)
