"""The job that is tried if the person brings none. It says outside the store which step began, and which is done."""

import os
from random import Random
from time import sleep

from outlast import Context, job

STEPS = 6
_LONGEST_SECONDS = 0.08


@job("crash.test", max_crashes=10_000)
def trial(ctx: Context, diary: str, name: str) -> dict[str, object]:
    """Do some steps of a few hundredths of a second each."""
    for number in range(STEPS):
        ctx.step(f"step {number}", act, diary, name, number, ctx.attempt)
    return {"name": name, "steps": STEPS}


def act(diary: str, name: str, number: int, attempt: int) -> int:
    """Do one step."""
    _write(diary, f"in {name} {number} {attempt}\n")
    sleep(Random(f"{name} {number}").uniform(0, _LONGEST_SECONDS))
    _write(diary, f"did {name} {number} {attempt}\n")
    return number


def _write(diary: str, line: str) -> None:
    """Append in one write; a killed process loses nothing that it has written."""
    descriptor = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
