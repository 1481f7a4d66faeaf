"""The JSON file of a checklist: what stands there, and putting another in its place."""

import os
import stat
import time

from outlast.crashpoint import crash_point
from outlast.jobstate import view
from outlast.jobstate.faults import ShortWrite, not_a_file
from outlast.jobstate.ledger import Ledger
from outlast.jobstate.spare import Spare
from outlast.jobstate.view import Seen, Title

Mark = tuple[int, int, int, int]
"""What tells one state of a file from another: inode, time of change, size, mode."""


class Sheet:
    """The JSON of one checklist. `known` is the mark of what was last read or written here."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.known: Mark | None = None
        self.spare = Spare(path)

    def mark(self) -> Mark | None:
        """Return the mark of the file, None if it is missing: then a person has reset the checklist."""
        try:
            return _mark_of(os.stat(self.path))
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            return None

    def is_there(self) -> bool:
        """Tell whether the file exists."""
        return os.access(self.path, os.F_OK)

    def read(self) -> Seen | None:
        """Return what the file says and know it from now on; None if it is missing. Raise OSError, StoreBroken."""
        try:
            # Without O_NONBLOCK a pipe in the file's place would be waited for, for ever.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise not_a_file(self.path)
        with open(descriptor, "rb") as file:
            seen = view.read(file.read())
        self.known = _mark_of(status)
        return seen

    def write_durably(self, title: Title, ledger: Ledger) -> None:
        """Replace the file, on the disk when this returns.

        A kept file may hold what is to be forgotten, and after a power cut would show it again: it goes first.
        """
        from pathlib import Path

        from outlast.durable import replace_file

        self.spare.remove()
        replace_file(Path(self.path), view.written(title, ledger))
        self.known = self.mark()

    def write(self, title: Title, ledger: Ledger, mode: int) -> None:
        """Replace the file. After a power cut it may be an older one, or damaged: the journal has it all.

        `mode` is that of the old one, which the new one gets.
        """
        data = view.written(title, ledger)
        descriptor, temporary = self.spare.open()
        try:
            mark = self._fill(descriptor, data, mode)
        finally:
            os.close(descriptor)
        crash_point("sheet:written")
        self.spare.exchange(temporary)
        self.known = mark
        crash_point("sheet:renamed")

    def _fill(self, descriptor: int, data: bytes, mode: int) -> Mark:
        """Let an open file hold `data` and have this mode; return its mark."""
        if (written := os.pwrite(descriptor, data, 0)) != len(data):
            raise ShortWrite(self.path, written, len(data))
        status = os.fstat(descriptor)
        if (status.st_size, status.st_mode) != (len(data), mode):
            os.ftruncate(descriptor, len(data))
            os.fchmod(descriptor, stat.S_IMODE(mode))
            status = os.fstat(descriptor)
        return _mark_of(status)

    def keep_copy(self) -> str:
        """Keep what stands there under another name, where it also stays; return that name.

        A damaged file is never renamed: for a moment it would be missing, which means that a person reset it.
        """
        for number in range(1, 1000):
            other = aside(self.path, "damaged", number)
            try:
                os.link(self.path, other, follow_symlinks=False)
            except FileExistsError:
                continue
            return os.path.basename(other)
        return ""


def aside(path: str, word: str, number: int = 1) -> str:
    """Return the name under which a file is set aside now: `<name>.<word>-<UTC time>`."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return f"{path}.{word}-{stamp}" + (f"-{number}" if number > 1 else "")


def size_of(mark: Mark) -> int:
    """Return how many bytes a file has."""
    return mark[2]


def mode_of(mark: Mark) -> int:
    """Return the mode of a file."""
    return mark[3]


def _mark_of(status: os.stat_result) -> Mark:
    return (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
