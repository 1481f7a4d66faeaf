"""The demo's job with ten activities. Each leaves a line in a file outside the store when it begins."""

import os
from time import sleep

from outlast import Context, job

NAMES = (
    "check-in",
    "read-mail",
    "quiz-1",
    "quiz-2",
    "quiz-3",
    "poll",
    "search-words",
    "read-news",
    "thank-you",
    "check-out",
)


@job("ten_activities")
def ten_activities(ctx: Context, witness: str, seconds: float) -> dict[str, int]:
    """Do the ten activities, each `seconds` long, each written to the file `witness` when it begins."""
    for name in ctx.each(NAMES):
        _testify(witness, f"{name} {ctx.attempt} {os.getpid()}\n")
        sleep(seconds)
    return {"activities": len(NAMES)}


def _testify(witness: str, line: str) -> None:
    descriptor = os.open(witness, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
