"""The supervisor's side of its socket: what a peer has said counts, also if it died before it heard an answer."""

import socket
from pathlib import Path

from outlast.engine.jobside.protocol import encode_message
from outlast.engine.wire import Connection, Wire


def spoken_to(wire: Wire, path: Path) -> tuple[socket.socket, Connection]:
    """Return a peer that has said hello, and what the supervisor knows it by."""
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(path))
    wire.poll(1)
    peer.sendall(encode_message({"op": "hello"}))
    [(connection, _)], _ = wire.poll(1)
    return peer, connection


def test_what_a_peer_said_before_it_died_is_heard_after_an_answer_could_not_be_sent(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "socket")
    peer, connection = spoken_to(wire, tmp_path / "socket")
    peer.sendall(encode_message({"op": "finish", "job": "a"}) + encode_message({"op": "finish", "job": "b"}))
    peer.close()

    wire.send(connection, {"op": "ok"})
    wire.flush()

    assert [message["job"] for _, message in wire.last_words(connection)] == ["a", "b"]
    wire.close()


def test_a_peer_that_is_gone_is_noticed_after_its_last_word(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "socket")
    peer, connection = spoken_to(wire, tmp_path / "socket")
    peer.sendall(encode_message({"op": "finish", "job": "a"}))
    peer.close()
    wire.send(connection, {"op": "ok"})
    wire.flush()

    [(_, message)], closed = wire.poll(1)

    assert (message["job"], closed) == ("a", [])
    assert wire.poll(1) == ([], [connection])
    wire.close()
