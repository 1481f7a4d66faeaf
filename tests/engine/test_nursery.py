"""What a fork server says is heard to the end, even while it is given up."""

import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlast.engine.nursery import Nursery, Server
from outlast.engine.wire import Wire
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks job processes")

TELLS = """
import socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
line.sendall(b'{"op":"ready"}\\n')
line.recv(100)
told = 0
try:
    while True:
        line.sendall(b'{"op":"died","process":"p","status":0}\\n')
        told += 1
except OSError:
    print(told)
"""
"""Tells of one death after another until it cannot, and then how many it has told."""


def starter(servers: list["subprocess.Popen[bytes]"]) -> "Callable[[int], subprocess.Popen[bytes]]":
    def start(control: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-S", "-c", TELLS, str(control)]
        servers.append(subprocess.Popen(command, pass_fds=(control,), stdout=subprocess.PIPE))
        return servers[-1]

    return start


def test_every_death_that_was_told_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers: list[subprocess.Popen[bytes]] = []
    wire = Wire(tmp_path / "socket")
    nursery = Nursery(wire)
    assert not nursery.ask("home", "p", starter(servers))
    [server] = nursery._servers.values()

    def is_ready() -> bool:
        wire.poll(0.01)
        return server.is_ready

    eventually(is_ready, timeout=20, what="the server")
    server.line.send(b"go\n")
    while not nursery._deaths:
        wire.poll(0.01)
    listen = Server.listen

    def listens_and_something_comes(its: Server) -> tuple[list[dict[str, Any]], bool]:
        heard = listen(its)
        select.select([its.line], [], [], 20)
        return heard

    monkeypatch.setattr(Server, "listen", listens_and_something_comes)
    nursery.close()

    with servers[0] as process:
        told = int(process.communicate(timeout=20)[0])
    assert len(nursery.deaths()) == told
    wire.close()
