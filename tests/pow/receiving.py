"""A receiver of proofs on loopback that keeps its promise, and can be told to answer in other ways."""

import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Heard, Loopback, reply

TRANSACTION = b'{"transaction_hash": "0xabc", "transaction_id": 7, "status": "broadcast", "message": "Thank you"}'

Manner = Callable[[Heard, socket.socket], None]


class Receiving(Loopback):
    """Writes down each key with what was posted under it, before it answers. `effects` are the proofs it acted on.

    `greeting` is said to every client before it says anything.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.effects: list[Any] = []
        self.manner: Manner = self.properly
        self.greeting = b""
        self._known: set[str] = set()
        self._tls = tls
        super().__init__()

    @property
    def url(self) -> str:
        return super().url if self._tls is None else super().url.replace("http://127.0.0.1", "https://localhost")

    def wrap(self, connection: socket.socket) -> socket.socket:
        connection.sendall(self.greeting)
        return connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)

    def answer(self, request: Heard, connection: socket.socket) -> None:
        self.manner(request, connection)

    def properly(self, request: Heard, connection: socket.socket) -> None:
        if request.method == "POST":
            self.take(request)
            connection.sendall(reply(200, TRANSACTION))
        else:
            [key] = parse_qs(urlsplit(request.target).query)["idempotency_key"]
            connection.sendall(reply(200, TRANSACTION) if key in self._known else reply(404, b"{}"))

    def take(self, request: Heard) -> None:
        """Act on a proof whose key is new."""
        key = request.headers["idempotency-key"]
        if key not in self._known:
            self._known.add(key)
            self.effects.append(request.json)

    def say(self, raw: bytes, *, taken: bool = False) -> None:
        """Answer every request with these bytes; take what is posted or not."""

        def saying(request: Heard, connection: socket.socket) -> None:
            if taken and request.method == "POST":
                self.take(request)
            connection.sendall(raw)

        self.manner = saying

    def hang(self, *, taken: bool) -> None:
        """Never answer a POST."""

        def hanging(request: Heard, connection: socket.socket) -> None:
            if request.method != "POST":
                self.properly(request, connection)
                return
            if taken:
                self.take(request)
            self.wait_for_end(connection)

        self.manner = hanging
