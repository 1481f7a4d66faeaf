"""Jobs that pour: progress without end, and next to nothing many times."""

from pathlib import Path

from outlast import Context, job
from tests.waiting import eventually


@job
def counts(ctx: Context, updates: int) -> int:
    """Report progress so many times, as fast as it goes."""
    for number in range(1, updates + 1):
        ctx.progress(done=number, total=updates)
    return updates


@job
def speaks_twice(ctx: Context, spoken: str, again: str, end: str) -> None:
    """Report progress, once more when the file `again` is there, and then nothing until `end` is."""
    ctx.progress(done=1, total=3)
    Path(spoken).touch()
    eventually(Path(again).exists, timeout=60)
    ctx.progress(done=2, total=3)
    eventually(Path(end).exists, timeout=60)


@job
def tiny(number: int) -> int:
    return number
