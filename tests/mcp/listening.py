"""Ports of this machine: one that is free, and one that somebody listens on."""

import socket

from tests.waiting import eventually


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def until_listening(port: int) -> None:
    """Return once somebody listens."""

    def answers() -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", port)) == 0

    eventually(answers, timeout=60, what=f"a server on port {port}")
