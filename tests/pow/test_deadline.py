"""A talk that hangs is cut off at its deadline, and with it everything it holds."""

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from outlast.pow.network.deadline import Cord, TookTooLong, within
from tests.waiting import eventually


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two sockets that speak to each other."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


Pair = tuple[socket.socket, socket.socket]


def talkers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "outlast-talk"]


def test_in_time_it_returns_what_the_talk_returns_and_the_sockets_stay_open(pair: Pair) -> None:
    one, other = pair

    def talk(cord: Cord) -> bytes:
        cord.hold(one.fileno())
        return b"said"

    assert within(30, talk) == b"said"
    one.sendall(b"still open")
    assert other.recv(99) == b"still open"


def test_it_raises_what_the_talk_raises() -> None:
    def talk(_: Cord) -> None:
        raise KeyError("whatever")

    with pytest.raises(KeyError, match="whatever"):
        within(30, talk)


def test_at_the_deadline_a_read_ends_and_the_thread_with_it(pair: Pair) -> None:
    one, other = pair

    def talk(cord: Cord) -> bytes:
        cord.hold(one.fileno())
        return one.recv(1)

    with pytest.raises(TookTooLong):
        within(0.05, talk)

    assert other.recv(1) == b""
    assert not talkers()


def test_a_socket_that_comes_after_the_deadline_is_cut_too(pair: Pair) -> None:
    one, other = pair
    late = threading.Event()

    def talk(cord: Cord) -> None:
        late.wait(30)
        cord.hold(one.fileno())
        one.sendall(b"too late")

    with pytest.raises(TookTooLong):
        within(0.05, talk)
    late.set()

    assert other.recv(99) == b""
    eventually(lambda: not talkers(), what="the talk to end")


def test_if_the_caller_is_interrupted_the_talk_is_cut(pair: Pair) -> None:
    one, other = pair

    def talk(cord: Cord) -> bytes:
        cord.hold(one.fileno())
        os.kill(os.getpid(), signal.SIGINT)
        return one.recv(1)

    with pytest.raises(KeyboardInterrupt):
        within(30, talk)

    assert other.recv(1) == b""
    eventually(lambda: not talkers(), what="the talk to end")
