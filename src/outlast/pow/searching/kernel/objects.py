"""Compiled code kept on disk, in the user's cache directory. What is damaged, foreign or gone is compiled again.

A file holds the SHA-256 of the code, then the code. It is renamed into place when it is whole, so any number of
processes may write at once and be killed at any moment. It is code that will run: only a file that nobody else could
have written is read.
"""

import hashlib
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from outlast.crashpoint import crash_point
from outlast.durable import new_file_beside, sweep

_DIGEST_BYTES = 32
_LARGEST_FILE = 4_000_000


def kept(key: str) -> bytes | None:
    """Return the code that was kept under `key`, a file name; None if there is none that can be trusted."""
    directory = _directory()
    if directory is None:
        return None
    try:
        text = _read(directory / key)
    except OSError:
        return None
    digest, code = text[:_DIGEST_BYTES], text[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def keep(key: str, code: bytes) -> None:
    """Keep `code` under `key` if that is possible; if not, the next process compiles it again."""
    directory = _directory()
    if directory is None:
        return
    with suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(directory / key, hashlib.sha256(code).digest() + code)


def _directory() -> Path | None:
    """Return the directory, None if this user has no place for one."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):
        return Path(named) / "outlast"
    with suppress(RuntimeError):
        home = Path.home()
        if home.is_absolute():
            return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "outlast"
    return None


def _read(path: Path) -> bytes:
    # Not blocking: a pipe may stand in its place.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
        return file.read(_LARGEST_FILE) if ours else b""


def _write(path: Path, text: bytes) -> None:
    sweep(path)
    with new_file_beside(path, 0o600) as (descriptor, temporary):
        with open(descriptor, "wb", closefd=False) as file:
            file.write(text)
        crash_point("keep_code:written")
        os.replace(temporary, path)
