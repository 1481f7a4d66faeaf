"""The file that a JSON was before, used again for the next one.

To make a file, and to free the old one, takes many times as long as to write a small JSON, so the two are exchanged.
Nobody can see the difference: a file is used again only if no other process has it open and it has no other name.
"""

import contextlib
import fcntl
import os
import signal

_SETLEASE: int | None = getattr(fcntl, "F_SETLEASE", None)
_SETSIG: int | None = getattr(fcntl, "F_SETSIG", None)
_FLAGS = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Spare:
    """The names under which a JSON's next file lies; `is_kept` says that one was left there."""

    def __init__(self, path: str) -> None:
        directory, name = os.path.split(path)
        self._path = path
        self._likely = 0
        self.is_kept = False
        self._names = tuple(os.path.join(directory, f".{name}.{number}.tmp") for number in (1, 2))

    def open(self) -> tuple[int, str]:
        """Return a file to write, and its name; what it holds means nothing. The caller excludes others."""
        for name in (self._names[self._likely], self._names[1 - self._likely]):
            try:
                descriptor = os.open(name, _FLAGS)
            except FileNotFoundError:
                continue
            if _is_free(descriptor):
                return descriptor, name
            os.close(descriptor)
            os.unlink(name)
        name = self._names[self._likely]
        return os.open(name, _FLAGS | os.O_CREAT | os.O_EXCL, 0o666), name

    def exchange(self, name: str) -> None:
        """Put the file of that name in the JSON's place, and keep the JSON's file for the next time."""
        self._likely = 1 - self._names.index(name)
        other = self._names[self._likely]
        try:
            os.link(self._path, other, follow_symlinks=False)
        except FileExistsError:
            os.unlink(other)
        except OSError:  # a disk without links
            pass
        os.replace(name, self._path)
        self.is_kept = True

    def remove(self) -> None:
        """Remove what is kept; the caller excludes others."""
        for name in self._names:
            with contextlib.suppress(OSError):
                os.unlink(name)
        self.is_kept = False


def _is_free(descriptor: int) -> bool:
    """Tell whether a file has one name and nobody else has it open: to such a one alone the kernel gives a lease."""
    if _SETLEASE is None or _SETSIG is None or os.fstat(descriptor).st_nlink != 1:
        return False
    try:
        # Who opens it at this very moment ends the lease, which is told by a signal; the usual one would end us.
        fcntl.fcntl(descriptor, _SETSIG, signal.SIGURG)
        # It ends when the file is closed.
        fcntl.fcntl(descriptor, _SETLEASE, fcntl.F_WRLCK)
    except OSError:
        return False
    return True
