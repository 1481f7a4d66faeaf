"""Files that are there, whole, after a power cut; and what to do with damaged ones."""

import contextlib
import errno
import fcntl
import glob
import math
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from outlast.crashpoint import crash_point

_OLDEST_WRITE_SECONDS = 60


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in place of `path`, so that a crash leaves the old file or the new one. Raise OSError.

    The new file has the mode of the old one. A failed fsync is not tried again: the kernel would call the second
    one a success and have lost the data.
    """
    with new_file_beside(path, 0o666) as (descriptor, temporary):
        _write(descriptor, data, like=path)
        crash_point("replace_file:flushed")
        os.replace(temporary, path)
    crash_point("replace_file:renamed")
    fsync_directory(path.parent)


def _write(descriptor: int, data: bytes, *, like: Path) -> None:
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(os.stat(like).st_mode))
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, f"Only {written:,} of {len(data):,} bytes were written")
    crash_point("replace_file:written")
    os.fsync(descriptor)


@contextlib.contextmanager
def new_file_beside(path: Path, mode: int) -> Iterator[tuple[int, Path]]:
    """Make a file that is to take the place of `path`; yield its descriptor and its name, and remove that at the end.

    A lock says that its writer lives, until it is renamed: what `sweep` finds without one is nobody's. Raise OSError.
    """
    descriptor, temporary = _new_locked_file(path, mode)
    try:
        yield descriptor, temporary
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        os.close(descriptor)


def _new_locked_file(path: Path, mode: int) -> tuple[int, Path]:
    while True:
        temporary = temporary_beside(path)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = os.fstat(descriptor).st_nlink > 0
        except BlockingIOError:
            is_ours = False
        except OSError:  # where nothing can be locked, age has to tell
            is_ours = True
        if is_ours:
            return descriptor, temporary
        os.close(descriptor)  # swept in the moment before it was locked


def temporary_beside(path: Path) -> Path:
    """Return a name for a file that is to take the place of `path` once it is whole."""
    return path.with_name(f"{_temporary_prefix(path)}{os.urandom(8).hex()}.tmp")


def leftovers(path: Path, *, older_than_seconds: float = _OLDEST_WRITE_SECONDS) -> list[Path]:
    """Return what killed writers of `path` have left beside it; a temporary file older than a minute is nobody's."""
    found = []
    # Also what SQLite keeps beside a file that it works on (-wal, -shm, -journal).
    for leftover in path.parent.glob(f"{glob.escape(_temporary_prefix(path))}*.tmp*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > older_than_seconds:
                found.append(leftover)
    return sorted(found)


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` have left beside it."""
    old = leftovers(path)
    for leftover in leftovers(path, older_than_seconds=-math.inf):
        with contextlib.suppress(OSError):
            _remove_if_abandoned(leftover, is_old=leftover in old)


def _remove_if_abandoned(leftover: Path, *, is_old: bool) -> None:
    descriptor = os.open(leftover, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_abandoned = is_old or leftover.suffix == ".tmp"
    except BlockingIOError:
        is_abandoned = False
    except OSError:
        is_abandoned = is_old
    try:
        # Still locked: a writer that comes for the lock just then sees that its file is gone.
        if is_abandoned:
            leftover.unlink()
    finally:
        os.close(descriptor)


def _temporary_prefix(path: Path) -> str:
    return f".{path.name[:100]}."


def fsync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ensure_directory(path: Path, *, private: bool = False) -> None:
    """Make a directory and those above it, durably; `private` gives the last one the mode 0700. Raise OSError."""
    if path.is_dir():
        return
    if path.parent != path:
        ensure_directory(path.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700 if private else 0o777)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    fsync_directory(path.parent)


def set_aside(path: Path, word: str = "damaged") -> Path:
    """Rename a file to `<name>.<word>-<UTC time>`, never over another file; return its new path."""
    for target in aside_names(path, word):
        if _rename_new(path, target):
            fsync_directory(path.parent)
            return target
    raise FileExistsError(errno.EEXIST, "Too many damaged files of this second", str(path))


def keep_aside(path: Path, word: str) -> Path:
    """Give a file that is about to be replaced a second name, as `set_aside` would; return it.

    Where there are no links, and for directories, it is set aside, and nothing stands in its place for a moment.
    """
    for target in aside_names(path, word):
        try:
            os.link(path, target, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError:
            break
        fsync_directory(path.parent)
        return target
    return set_aside(path, word)


def aside_names(path: Path, word: str = "damaged") -> Iterator[Path]:
    """Yield the names under which a file may be set aside now, the best first."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for number in range(1, 1000):
        yield path.with_name(f"{path.name}.{word}-{stamp}" + (f"-{number}" if number > 1 else ""))


def _rename_new(path: Path, target: Path) -> bool:
    """Rename without replacing; False if the target is taken."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError:
        # Directories and some file systems have no links; then only a second process in the same second is a danger.
        if os.path.lexists(target):
            return False
        os.rename(path, target)
        return True
    os.unlink(path)
    return True
