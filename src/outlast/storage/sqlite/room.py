"""How much room the disk has for a WAL."""

import os
from pathlib import Path

CHECKPOINT_PAGES = 4000
"""About 16 MB of WAL: a file of that size is overwritten, not grown."""
LEAST_PAGES = 50
PAGE_BYTES = 4096
_SHARE = 8
"""On a small disk the WAL takes this part of what is free, or it would fill it before it is moved into the file."""


def checkpoint_pages(directory: Path) -> int:
    """Return at how many pages the WAL of a store in this directory is moved into the file. Raise OSError."""
    disk = os.statvfs(directory)
    fitting = disk.f_bavail * disk.f_frsize // (PAGE_BYTES * _SHARE)
    return max(LEAST_PAGES, min(CHECKPOINT_PAGES, fitting))
