"""Reading a log that grows, and that may be rotated while it is read."""

import os
from pathlib import Path
from typing import BinaryIO

TAIL_BYTES = 2_000
MOST_BYTES = 1_000_000


class Tail:
    """The end of a log file, which need not exist yet."""

    def __init__(self, path: Path, *, from_start: bool) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        if not from_start:
            self._skip_to_last_lines()

    def read(self) -> bytes:
        """Return what was added since the last call, at most 1 MB; after a rotation it goes on in the new file."""
        if self._file is None and not self._open():
            return b""
        assert self._file is not None
        text = self._file.read(MOST_BYTES)
        if not text and self._was_replaced():
            self.close()
            return self.read() if self._open() else b""
        return text

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        try:
            self._file = open(self._path, "rb", buffering=0)  # noqa: SIM115 - it stays open between reads
        except FileNotFoundError:
            return False
        return True

    def _was_replaced(self) -> bool:
        assert self._file is not None
        here = os.fstat(self._file.fileno())
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        if there.st_ino == here.st_ino and there.st_size < self._file.tell():
            return True
        return (there.st_ino, there.st_dev) != (here.st_ino, here.st_dev)

    def _skip_to_last_lines(self) -> None:
        """Go to the last lines, so that who looks in sees where the job is."""
        if not self._open():
            return
        assert self._file is not None
        size = os.fstat(self._file.fileno()).st_size
        start = max(0, size - TAIL_BYTES)
        self._file.seek(start)
        if start:
            kept = self._file.read(TAIL_BYTES)
            self._file.seek(start + kept.find(b"\n") + 1)
