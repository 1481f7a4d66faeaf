"""A process is asked for, and its birth is told later, or never."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.engine.nursery import Nursery
from outlast.engine.wire import Wire
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks job processes")

SERVER = """
import json, socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
line.sendall(b'{"op":"ready"}\\n')
while name := line.recv(100).decode().strip():
    answer = json.loads(sys.argv[2])
    if not answer:
        break
    line.sendall(json.dumps({**answer, "process": name}).encode() + b"\\n")
"""
"""Answers whoever asks with the same words, or ends without a word."""

BORN = '{"op": "born", "pid": 1, "ticks": 1}'
NO_ROOM = f'{{"op": "barren", "errno": {errno.EAGAIN}}}'
NO_PLACE = f'{{"op": "barren", "errno": {errno.ENOENT}}}'


class Home:
    """A nursery with one server, which gives that answer."""

    def __init__(self, wire: Wire, answer: str) -> None:
        self.wire = wire
        self.nursery = Nursery(wire)
        self.answer = answer
        self.servers: list[subprocess.Popen[bytes]] = []
        self.nursery.ask("home", "nobody", self.start)
        eventually(self.is_asked, timeout=20, what="a server that can be asked")

    def start(self, control: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-S", "-c", SERVER, str(control), self.answer]
        self.servers.append(subprocess.Popen(command, pass_fds=(control,)))
        return self.servers[-1]

    def is_asked(self) -> bool:
        self.wire.poll(0.01)
        return self.nursery.ask("home", "p1", self.start)

    def is_settled(self) -> bool:
        self.wire.poll(0.01)
        return not self.nursery.asked()

    def close(self) -> None:
        self.nursery.close()
        for server in self.servers:
            server.wait()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "socket")
    yield wire
    wire.close()


def test_who_speaks_before_its_server_is_waited_for(wire: Wire) -> None:
    home = Home(wire, BORN)

    assert home.nursery.asked() == ["home"]
    home.nursery.await_birth("p1")
    [(where, identity, _)] = home.nursery.births()

    assert (where, identity.id, identity.pid) == ("home", "p1", 1)
    assert not home.nursery.asked()
    assert not home.nursery.births()
    home.close()


def test_a_stranger_is_not_waited_for(wire: Wire) -> None:
    home = Home(wire, BORN)

    home.nursery.await_birth("p2")

    assert home.nursery.asked() == ["home"]
    home.close()


def test_what_a_server_takes_with_it_is_not_waited_for(wire: Wire) -> None:
    home = Home(wire, "null")

    home.nursery.await_birth("p1")

    assert not home.nursery.asked()
    assert not home.nursery.births()
    assert not home.nursery.ask("home", "p2", home.start)
    assert len(home.servers) == 1  # it rests before it is tried again
    home.close()


def test_no_room_is_told_to_who_asks_next(wire: Wire) -> None:
    home = Home(wire, NO_ROOM)
    eventually(home.is_settled, timeout=20, what="an answer")

    with pytest.raises(BlockingIOError):
        home.nursery.ask("home", "p2", home.start)
    assert home.nursery.ask("home", "p3", home.start)
    home.close()


def test_what_else_is_wrong_is_found_out_by_an_interpreter(wire: Wire) -> None:
    home = Home(wire, NO_PLACE)
    eventually(home.is_settled, timeout=20, what="an answer")

    assert not home.nursery.ask("home", "p2", home.start)
    home.close()
