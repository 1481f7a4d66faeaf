"""The demo's daily job: a checklist of ten activities. Each leaves a line in an outside file when it begins."""

import os
from time import sleep

from outlast import Context, JobState, job

ACCOUNT, TYPE = "you@example.org", "daily-set"
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
def ten_activities(ctx: Context, day: str, directory: str, witness: str, seconds: float) -> dict[str, int]:
    """Do what remains of the ten activities of a day, each `seconds` long and written to `witness` when it begins."""
    checklist = JobState(dir=directory).open(ACCOUNT, TYPE, NAMES, day)
    for name in checklist.each():
        _testify(witness, f"{name} {ctx.attempt} {os.getpid()}\n")
        sleep(seconds)
        ctx.progress(done=len(checklist.completed), total=len(NAMES), message=name)
    return {"activities": len(checklist.completed)}


def _testify(witness: str, line: str) -> None:
    descriptor = os.open(witness, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
