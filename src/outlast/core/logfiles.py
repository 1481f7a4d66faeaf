"""A job's log: two files at most, and the line with which the older one begins.

`<job>.log` holds the newest output, `<job>.log.1` what came right before it. Places in the output are counted from its
very first byte, so that who follows a log can go on where it was, whatever was cut off meanwhile.
"""

import re

MOST_BYTES = 10_000_000
"""Of each of the two files."""
LONGEST_LINE = 100

_FIRST_LINE = re.compile(rb"== output before this that is not kept: ([0-9,]{1,26}) bytes ==\n")


def first_line(gone: int) -> bytes:
    """Return the line that stands first in the older file, after so many bytes of output that are not kept."""
    return f"== output before this that is not kept: {gone:,} bytes ==\n".encode()


def gone_before(beginning: bytes) -> tuple[int, int]:
    """Return how many bytes of output came before the older file, and how long its first line is.

    `beginning` holds at least LONGEST_LINE bytes, or the whole file. Without that line: (0, 0).
    """
    found = _FIRST_LINE.match(beginning)
    return (int(found[1].replace(b",", b"")), found.end()) if found else (0, 0)
