"""The output of a job, told apart by attempts."""

import re
from collections.abc import Iterable, Iterator

_MARK = re.compile(rb"== attempt (\d{1,9}) ==\r?\n?\Z")


def mark_of(line: bytes) -> int | None:
    """Return N for the line `== attempt N ==` with which a later attempt begins."""
    mark = _MARK.match(line)
    return int(mark[1]) if mark else None


def beginning(lines: Iterable[bytes]) -> int | None:
    """Return whose the first line is: the attempt before the first mark; None if nothing marks it.

    It is the first attempt, unless the beginning of the log was rotated away.
    """
    return next((mark - 1 for line in lines if (mark := mark_of(line)) is not None), None)


def of_attempt(lines: Iterable[bytes], attempt: int, first: int = 1) -> Iterator[bytes]:
    """Yield the lines that `attempt` wrote; `first` is whose the first line is."""
    current = first
    for line in lines:
        if (mark := mark_of(line)) is not None:
            current = mark
        elif current == attempt:
            yield line
