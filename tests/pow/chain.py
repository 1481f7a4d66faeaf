"""A chain's server on loopback that a test steers: it stands, grows, jumps, goes back, talks nonsense, or hangs."""

import json
import socket
import threading
from collections.abc import Callable

from tests.loopback import Heard, Loopback, reply

HEIGHT_TARGET = "/structs/blockheight"
_DRIP_SECONDS = 0.02

Manner = Callable[[socket.socket], None]


class Chain(Loopback):
    """Every request is a poll; `polls` counts them. A new one stands at `height`."""

    def __init__(self, height: int = 1000) -> None:
        self._manner: Manner = self._nothing
        self.stand(height)
        super().__init__()

    @property
    def polls(self) -> int:
        return len(self.heard)

    def stand(self, height: object) -> None:
        """Tell this height from now on: also one that jumps or goes back, or that is none."""
        self.say(json.dumps({"blockheight": height}))

    def say(self, body: str | bytes, status: int = 200, **headers: str) -> None:
        """Answer every request with this."""
        self.send(reply(status, body if isinstance(body, bytes) else body.encode(), **headers))

    def send(self, raw: bytes) -> None:
        """Answer every request with these bytes and the end of the connection."""
        self._manner = lambda connection: connection.sendall(raw)

    def hang(self, raw: bytes = b"") -> None:
        """Say this much, and then nothing for ever."""

        def hanging(connection: socket.socket) -> None:
            connection.sendall(raw)
            self.wait_for_end(connection)

        self._manner = hanging

    def drip(self, raw: bytes, again: bytes) -> None:
        """Say this, and then one byte after the other of the rest, again and again, slowly, for ever."""

        def dripping(connection: socket.socket) -> None:
            connection.sendall(raw)
            pause = threading.Event()
            while not self.over.is_set():
                for byte in again:
                    connection.sendall(bytes([byte]))
                    pause.wait(_DRIP_SECONDS)

        self._manner = dripping

    def reset(self) -> None:
        """Break every connection once the request was heard."""

        def resetting(connection: socket.socket) -> None:
            # Closed with a zero linger time a connection is reset, not ended.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        self._manner = resetting

    def answer(self, request: Heard, connection: socket.socket) -> None:
        if request.target.partition("?")[0].endswith(HEIGHT_TARGET):
            self._manner(connection)
        else:
            connection.sendall(reply(404, b"no such thing"))

    def _nothing(self, connection: socket.socket) -> None:
        """Until a test has said what to say."""
