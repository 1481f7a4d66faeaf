"""Who awaits something stays awake for it, but only as long as that pays."""

import socket
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from outlast.engine.eager import LONGEST_REST, Eager
from outlast.engine.sockets import connect
from outlast.engine.wire import Wire

LONG = 60.0
"""So long nobody waits for what has come already."""


class Arrivals:
    """Something that is there at the `first` look and all later ones."""

    def __init__(self, first: float) -> None:
        self._first = first
        self.looks = 0

    def __call__(self) -> str | None:
        self.looks += 1
        return "it" if self.looks >= self._first else None


NEVER = float("inf")


def test_what_is_there_is_found_at_the_first_look() -> None:
    arrivals = Arrivals(1)
    assert Eager(LONG).look(arrivals) == "it"
    assert arrivals.looks == 1


def test_what_comes_meanwhile_is_found() -> None:
    arrivals = Arrivals(500)
    assert Eager(LONG).look(arrivals) == "it"
    assert arrivals.looks == 500


def test_nothing_is_the_answer_once_the_time_is_over() -> None:
    arrivals = Arrivals(NEVER)
    assert Eager(0.0).look(arrivals) is None
    assert arrivals.looks >= 1


def test_an_empty_message_is_something() -> None:
    """The end of a connection is read as no bytes at all."""
    assert Eager(LONG).look(lambda: b"") == b""


def waits_that_look(eager: Eager, waits: int) -> list[int]:
    """Return which of so many waits, all in vain, look at all."""
    looked = []
    for number in range(waits):
        arrivals = Arrivals(NEVER)
        assert eager.look(arrivals) is None
        if arrivals.looks:
            looked.append(number)
    return looked


def test_after_looks_in_vain_it_rests_longer_each_time() -> None:
    looked = waits_that_look(Eager(0.0), 500)
    rests = [later - earlier - 1 for earlier, later in pairwise(looked)]
    assert rests[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert set(rests[7:]) == {LONGEST_REST}


def test_one_look_that_finds_something_ends_the_long_rests() -> None:
    eager = Eager(0.0)
    waits_that_look(eager, 127)
    assert [eager.look(Arrivals(1)) for _ in range(LONGEST_REST + 1)][-1] == "it"
    assert eager.look(Arrivals(1)) == "it"
    assert waits_that_look(eager, 3) == [0, 2]


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "socket")
    yield wire
    wire.close()


def test_the_wire_hears_the_same_with_open_eyes(wire: Wire, tmp_path: Path) -> None:
    """Also the end of a connection, and what is no message of a peer."""
    peer = connect(str(tmp_path / "socket"))
    assert peer is not None
    with peer:
        wire.expect_more()
        assert wire.poll(LONG) == ([], [])
        assert not wire.is_only_talk
        peer.sendall(b'{"op":"save"}\n')
        wire.expect_more()
        ((connection, message),), closed = wire.poll(LONG)
        assert (message, closed, wire.is_only_talk) == ({"op": "save"}, [], True)
    wire.expect_more()
    assert wire.poll(LONG) == ([], [connection])


def test_the_wire_waits_on_where_nothing_comes_at_once(wire: Wire) -> None:
    readable, writable = socket.socketpair()
    with readable, writable:
        wire.watch(readable.fileno(), lambda: heard.append(readable.recv(1)))
        heard: list[bytes] = []
        timer = threading.Timer(0.05, lambda: writable.sendall(b"!"))
        timer.start()
        wire.expect_more()
        wire.poll(LONG)
        timer.join()
        wire.unwatch(readable.fileno())
    assert heard == [b"!"]
