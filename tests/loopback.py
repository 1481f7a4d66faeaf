"""Servers on loopback that do what a test says, also what no decent server would do.

A `Loopback` speaks enough HTTP to hear a request; what it answers, and how, is its subclass's. A `Relay` stands between
a client and a real server, and loses what it is told to lose.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from tests.waiting import eventually

_HOST = "127.0.0.1"
_CHUNK = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Listener:
    """Accepts on a free port of loopback, and serves each connection in a thread until it is closed."""

    def __init__(self) -> None:
        self._listening = socket.create_server((_HOST, 0))
        self._port = int(self._listening.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.over = threading.Event()
        self._begin(self._accept)

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Refuse every further connection, break those that are open, and wait for the threads."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        eventually(lambda: not self._left(), what=f"the threads of {type(self).__name__}")

    def serve(self, connection: socket.socket) -> None:
        """Talk to one client."""
        raise NotImplementedError

    def _left(self) -> list[threading.Thread]:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return [thread for thread in self._threads if thread.is_alive()]

    def _begin(self, target: Any, *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._kept(connection):
            self.serve(connection)

    @contextlib.contextmanager
    def _kept(self, connection: socket.socket) -> Iterator[socket.socket]:
        self._open.add(connection)
        try:
            yield connection
        finally:
            self._open.discard(connection)
            # Closing alone would not wake a thread that reads from it.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


class Loopback(Listener):
    """An HTTP server; `heard` are the requests in order."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def wrap(self, connection: socket.socket) -> socket.socket:
        """Return the connection as the server speaks on it: here, without TLS."""
        return connection

    def answer(self, request: Heard, connection: socket.socket) -> None:
        """Answer one request."""
        raise NotImplementedError

    def serve(self, connection: socket.socket) -> None:
        with self._kept(self.wrap(connection)) as connection:
            request = _request(connection)
            if request is not None:
                self.heard.append(request)
                self.answer(request, connection)

    def wait_for_end(self, connection: socket.socket) -> None:
        """Say nothing more until the client or the test has enough of it."""
        while not self.over.is_set() and connection.recv(_CHUNK):
            pass


def reply(status: int, body: bytes, **headers: str) -> bytes:
    """Return an HTTP answer with its length; a header's `_` stands for `-`."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _request(connection: socket.socket) -> Heard | None:
    """Read one request; None if the client went before it had said all of it."""
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(_CHUNK)
        if not more:
            return None
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        more = connection.recv(_CHUNK)
        if not more:
            return None
        body += more
    method, target, _ = first.split(" ")
    return Heard(method=method, target=target, headers=headers, body=body)


class Relay(Listener):
    """Passes bytes between clients and a server's socket (a path, or host and port).

    `trap(word, way)` waits for a client to say a word, once, and after it was said `spared` times: `request` loses it
    and what follows, `answer` passes it on but loses what is said to it, and breaks the connection once the server has
    answered; `silence` the same without breaking it. `is_silent`: accept, listen, and never say anything.
    """

    def __init__(self, server: str | tuple[str, int]) -> None:
        self._server = server
        self._trap: tuple[bytes, str] | None = None
        self._spared = 0
        self.is_silent = False
        self.sprung = threading.Event()
        super().__init__()

    def trap(self, word: bytes, way: str, *, spared: int = 0) -> None:
        self.sprung.clear()
        self._trap, self._spared = (word, way), spared

    def serve(self, connection: socket.socket) -> None:
        if self.is_silent:
            while connection.recv(_CHUNK):
                pass
            return
        family = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
        with socket.socket(family) as server, self._kept(server):
            server.connect(self._server)
            ways: list[str] = []
            self._begin(self._answers, server, connection, ways)
            self._questions(connection, server, ways)

    def _questions(self, connection: socket.socket, server: socket.socket, ways: list[str]) -> None:
        while said := connection.recv(_CHUNK):
            way = self._springs(said)
            if way == "request":
                break
            if way:
                ways.append(way)
            server.sendall(said)

    def _springs(self, said: bytes) -> str:
        if self._trap is None or self._trap[0] not in said:
            return ""
        if self._spared:
            self._spared -= 1
            return ""
        way, self._trap = self._trap[1], None
        self.sprung.set()
        return way

    def _answers(self, server: socket.socket, connection: socket.socket, ways: list[str]) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(_CHUNK):
                if not ways:
                    connection.sendall(said)
                elif ways == ["answer"]:
                    break
            connection.shutdown(socket.SHUT_RDWR)
