"""The files beside a store: what SQLite keeps there, the last good copy, and the mark of a repair."""

import os
from pathlib import Path

SIDES = ("-wal", "-shm")
"""What SQLite keeps beside a store that is in use; the first is a part of the store."""


def marker_of(path: Path) -> Path:
    """Return the file that stands beside a store while its repair puts another file in its place."""
    return Path(f"{path}.repair")


def backup_of(path: Path) -> Path:
    """Return where the last good copy of a store is kept."""
    return path.parent / "backup" / path.name


def real_path(path: Path) -> Path:
    """Return the file that `path` leads to through links; SQLite keeps its own files beside that one."""
    try:
        return Path(os.path.realpath(path, strict=True))
    except OSError:
        return path


def has_wal(name: str) -> bool:
    """Tell whether a store has a WAL that holds something."""
    try:
        return os.stat(f"{name}-wal").st_size > 0
    except OSError:
        return False
