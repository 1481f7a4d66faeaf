"""Ports of this machine: one that is free, one that somebody listens on, and the one that a server has chosen."""

import socket
import subprocess

from tests.waiting import eventually


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def port_of(server: "subprocess.Popen[str]") -> int:
    """Return where a server listens that was started with `--port 0` and its stderr in a pipe: it says so itself.

    A port that was free a moment ago may be somebody else's by the time the server listens.
    """
    assert server.stderr is not None
    for line in server.stderr:
        if line.startswith("Serving MCP on "):
            return int(line.rpartition(":")[2].partition("/")[0])
    raise AssertionError("The server ended before it listened.")


def until_listening(port: int) -> None:
    """Return once somebody listens."""

    def answers() -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", port)) == 0

    eventually(answers, timeout=60, what=f"a server on port {port}")
