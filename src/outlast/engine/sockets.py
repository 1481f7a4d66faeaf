"""Local stream sockets whose path may be longer than the kernel's 107 bytes."""

import os
import socket
from pathlib import Path

LONGEST_PATH = 100


def connect(path: str) -> socket.socket | None:
    """Return a connected blocking socket, or None if nobody listens there (or is too busy to answer)."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _Reachable(path) as reachable:
            client.setblocking(False)
            client.connect(reachable)
        client.setblocking(True)
    except OSError:
        client.close()
        return None
    return client


def listen(path: Path) -> socket.socket:
    """Return a non-blocking listening socket at `path`, in place of what stood there; the caller holds a lock."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _Reachable(str(path)) as reachable:
        server.bind(reachable)
    os.chmod(path, 0o600)
    server.listen(512)
    server.setblocking(False)
    return server


class _Reachable:
    """A name for `path` that fits: through /proc/self/fd if it is too long."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._directory = -1

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= LONGEST_PATH:
            return self._path
        self._directory = os.open(os.path.dirname(self._path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._directory}/{os.path.basename(self._path)}"

    def __exit__(self, *_: object) -> None:
        if self._directory >= 0:
            os.close(self._directory)
