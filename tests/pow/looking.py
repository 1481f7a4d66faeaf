"""What the tests of heights have in common."""

from collections.abc import Callable
from pathlib import Path

from outlast.pow.chain.heights import Heights

Opened = Callable[..., Heights]
"""The fixture `opened`: opens the heights of the chain as one more process would."""


def the_file(cache: Path) -> Path:
    """Return the one file that processes share."""
    [file] = cache.glob("height-*.json")
    return file
