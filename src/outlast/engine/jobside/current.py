"""The job that this process runs, for code that is called without its context."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outlast.engine.jobside.channel import Channel
    from outlast.engine.jobside.context import Context

channel: "Channel | None" = None
"""Set once in a job process, None everywhere else."""
context: "Context | None" = None


@contextmanager
def running(of: "Context") -> Iterator[None]:
    """Let `of` be the current context inside the block."""
    global context
    context = of
    try:
        yield
    finally:
        context = None
