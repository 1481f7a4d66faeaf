"""What a client may ask of the machine about our processes: asking takes no lock and wakes nobody."""

import fcntl
import os
import struct
import sys

from outlast.core.job import ProcessIdentity
from outlast.core.places import Places
from outlast.engine.identity import is_alive, is_local
from outlast.engine.sockets import connect

_FLOCK = "hhqqi" if sys.platform == "linux" else "qqihh"
"""struct flock of fcntl(2): on Linux type, whence, start, length, pid; on macOS start, length, pid, type, whence."""


class Witness:
    """See `outlast.lookout.Witness`."""

    def __init__(self, places: Places, *, may_start: bool) -> None:
        self._places = places
        self._may_start = may_start

    @property
    def may_start(self) -> bool:
        return self._may_start

    def supervisor_lives(self, identity: ProcessIdentity) -> bool:
        if is_local(identity):
            return is_alive(identity)
        # Of another container: it listens, or it is gone.
        line = connect(str(self._places.socket))
        if line is not None:
            line.close()
        return line is not None

    def process_lives(self, identity: ProcessIdentity) -> bool:
        return is_alive(identity) or self._is_locked(str(self._places.process_lock(identity.id)))

    @staticmethod
    def _is_locked(path: str) -> bool:
        """Tell whether somebody holds the first byte. Only asked: taking it might keep a beginning process from it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            asked = _lock_of_first_byte(fcntl.F_WRLCK)
            answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked)[: struct.calcsize(_FLOCK)])
        finally:
            os.close(descriptor)
        return bool(answer[0 if sys.platform == "linux" else 3] != fcntl.F_UNLCK)


def _lock_of_first_byte(kind: int) -> bytes:
    if sys.platform == "linux":
        return struct.pack(f"{_FLOCK}4x", kind, os.SEEK_SET, 0, 1, 0)
    return struct.pack(_FLOCK, 0, 1, 0, kind, os.SEEK_SET)
