"""Compiled code kept on disk, in the user's cache directory. What is damaged, foreign or gone is compiled again.

A file holds the SHA-256 of the code, then the code. It is renamed into place when it is whole, so any number of
processes may write at once and be killed at any moment. It is code that will run: only a file that nobody else could
have written is read.
"""

import hashlib
import os
import secrets
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from outlast.crashpoint import crash_point

_DIGEST_BYTES = 32
_LARGEST_FILE = 4_000_000
_OLDEST_WRITE_SECONDS = 3_600


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
        _sweep(directory)
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
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(text)
        crash_point("keep_code:written")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink()
        raise


def _sweep(directory: Path) -> None:
    """Remove what killed writers have left."""
    for leftover in directory.glob(".*.tmp"):
        if time.time() - leftover.stat().st_mtime > _OLDEST_WRITE_SECONDS:
            leftover.unlink()
