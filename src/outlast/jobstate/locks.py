"""Byte-range locks of a journal. They end with the process that holds them, whatever ends it.

On Linux they belong to the open file description, so two openings in one program exclude each other too, and closing
another descriptor of the file drops none. Elsewhere they are POSIX record locks, which have neither quality.
"""

import errno
import fcntl
import os
import struct

SETUP = 0
"""Held while the files of a checklist are made, set aside or removed."""
VIEW = 1
"""Held while its JSON is rewritten."""
_FIRST_CLAIM = 16
_FLOCK = struct.Struct("hhqqi4x")
_SETLK: int | None = getattr(fcntl, "F_OFD_SETLK", None)
_GETLK: int | None = getattr(fcntl, "F_OFD_GETLK", None)
_HELD = (errno.EAGAIN, errno.EACCES)


def place_of(activity: str) -> int:
    """Return the byte that stands for an activity; of a million names two share one in a case of ten million."""
    from hashlib import blake2b  # at the first claim: it takes longer to import than most of this package

    digest = blake2b(activity.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return _FIRST_CLAIM + (int.from_bytes(digest) >> 2)


def try_lock(descriptor: int, place: int) -> bool:
    """Lock a byte; False if another has locked it. Raise OSError where locks do not work."""
    try:
        if _SETLK is None:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        else:
            fcntl.fcntl(descriptor, _SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0))
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def unlock(descriptor: int, place: int) -> None:
    """Unlock a byte."""
    if _SETLK is None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)
    else:
        fcntl.fcntl(descriptor, _SETLK, _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, place, 1, 0))


def is_locked(descriptor: int, place: int) -> bool:
    """Tell whether another has locked a byte. Without such locks the answer is no."""
    if _GETLK is None:
        return False
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
    return bool(_FLOCK.unpack(fcntl.fcntl(descriptor, _GETLK, asked))[0] != fcntl.F_UNLCK)
