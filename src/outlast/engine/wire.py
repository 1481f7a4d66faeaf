"""The supervisor's side of its socket: connections, messages in, messages out, deaths noticed."""

import os
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from outlast.engine.eager import Eager
from outlast.engine.jobside.protocol import Lines, Message, encode_message
from outlast.engine.sockets import listen

FLOOD_RINGS, FLOOD_SECONDS = 8, 0.01
"""So many rings in a row, without a look at an end in between, are a flood; it is over so long after the last."""
READ_BYTES = 65_536
EAGER_SECONDS = 0.0002
"""How long to stay awake for what an answered job says next."""
LONGEST_BACKLOG = 64 * 1024 * 1024
"""A client that does not read loses its connection when so many bytes wait for it; a job process gets all it needs."""


class Connection:
    """One peer: a job process, or a client that rings or watches."""

    def __init__(self, peer: socket.socket) -> None:
        self.socket = peer
        self.lines = Lines()
        self.out = bytearray()
        self.process_id: str | None = None
        self.watches = False
        self.is_slow = False
        self.rings = 0
        self.is_open = True


class Wire:
    """All sockets and watched descriptors of the supervisor, in one selector."""

    def __init__(self, path: Path) -> None:
        self._selector = selectors.DefaultSelector()
        self._path = path
        self._server = listen(path)
        self._server_inode = os.stat(path).st_ino
        self._selector.register(self._server, selectors.EVENT_READ, self._accept)
        self._connections: set[Connection] = set()
        self._messages: list[tuple[Connection, dict[str, Any]]] = []
        self._closed: list[Connection] = []
        self._to_push: list[Connection] = []
        self.rung = self.wished = False
        self.is_only_talk = False
        """Whether at the last `poll` peers spoke, and nothing else happened."""
        self._eager = Eager(EAGER_SECONDS)
        self._is_eager = False
        self._flooded_at = -FLOOD_SECONDS
        self.read_jobs: set[str] = set()

    def watch(self, descriptor: int, on_ready: Callable[[], object]) -> None:
        """Call `on_ready` whenever the descriptor is readable, until `unwatch`."""
        self._selector.register(descriptor, selectors.EVENT_READ, on_ready)

    def unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def poll(self, seconds: float) -> tuple[list[tuple[Connection, dict[str, Any]]], list[Connection]]:
        """Wait for anything, at most so long; return the messages that came and the connections that ended."""
        ready = self._eager.look(self._peek) if self._is_eager and seconds > EAGER_SECONDS else None
        events = ready or self._selector.select(seconds)
        self._is_eager = False
        self.is_only_talk = bool(events)
        for key, _ in events:
            if isinstance(key.data, Connection):
                self._serve(key.data)
            else:
                self.is_only_talk = False
                key.data()
        messages, self._messages = self._messages, []
        closed, self._closed = self._closed, []
        self.is_only_talk = self.is_only_talk and not closed
        return messages, closed

    def expect_more(self) -> None:
        """Who was just answered will soon speak again: let the next `poll` stay awake for it."""
        self._is_eager = True

    def _peek(self) -> list[tuple[selectors.SelectorKey, int]] | None:
        return self._selector.select(0) or None

    def send(self, connection: Connection, message: Message) -> None:
        """Send a message with the next `flush`: what is said in one turn reaches the peer in one piece."""
        connection.out += encode_message(message)
        self._to_push.append(connection)

    def flush(self) -> None:
        """Send what fits of all that waits, the rest when the peers read."""
        to_push, self._to_push = self._to_push, []
        for connection in to_push:
            if connection.out:
                self._push(connection)

    def last_words(self, connection: Connection) -> list[tuple[Connection, dict[str, Any]]]:
        """Return every message that a dead peer had sent before it died."""
        while connection.is_open:
            try:
                data = connection.socket.recv(READ_BYTES)
            except OSError:
                break
            if not data:
                break
            for message in connection.lines.feed(data):
                self._sort(connection, message)
        self.drop(connection)
        messages, self._messages = self._messages, []
        return messages

    def tell_watchers(self) -> None:
        """Let every watching client look again. One that has not looked yet needs no second sign."""
        for connection in list(self._connections):
            if connection.watches and not connection.out:
                connection.out += b"\n"
                self._push(connection)

    def is_flooded(self) -> bool:
        """Tell whether a client asks for one thing after another without looking at what came of the last."""
        return monotonic() - self._flooded_at < FLOOD_SECONDS

    def drop(self, connection: Connection) -> None:
        """End a connection."""
        if connection.is_open:
            connection.is_open = False
            self._connections.discard(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()
            self._closed.append(connection)

    def close(self) -> None:
        """End everything; the path goes only if it is still ours."""
        try:
            if os.stat(self._path).st_ino == self._server_inode:
                os.unlink(self._path)
        except FileNotFoundError:
            pass
        for connection in list(self._connections):
            self.drop(connection)
        self._selector.unregister(self._server)
        self._server.close()
        self._selector.close()

    def is_reachable(self) -> bool:
        """Tell whether our socket still stands where clients look for it."""
        try:
            return os.stat(self._path).st_ino == self._server_inode
        except OSError:
            return False

    def _accept(self) -> None:
        try:
            peer, _ = self._server.accept()
        except OSError:  # the peer is gone, or no descriptor is free: it will try again
            sleep(0.01)
            return
        peer.setblocking(False)
        connection = Connection(peer)
        self._connections.add(connection)
        self._selector.register(peer, selectors.EVENT_READ, connection)

    def _serve(self, connection: Connection) -> None:
        if connection.out:
            self._push(connection)
        if not connection.is_open:
            return
        try:
            data = connection.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(connection)
            return
        try:
            for message in connection.lines.feed(data):
                self._sort(connection, message)
        except (ValueError, RecursionError):
            self.drop(connection)

    def _sort(self, connection: Connection, message: dict[str, Any]) -> None:
        if message.get("op") == "ring":
            self.rung = True
            connection.rings += 1
            if connection.rings >= FLOOD_RINGS:
                self._flooded_at = monotonic()
            self.wished = self.wished or bool(message.get("wish"))
        elif message.get("op") == "read":
            connection.rings = 0
            self.read_jobs.update(str(job_id) for job_id in message.get("jobs", ()))
        elif message.get("op") == "watch":
            connection.watches = True
        else:
            self._messages.append((connection, message))

    def _push(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        try:
            sent = connection.socket.send(connection.out)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The peer is gone. What it said before that is still to be read, and its end stands behind it.
            sent = len(connection.out)
        del connection.out[:sent]
        if connection.process_id is None and len(connection.out) > LONGEST_BACKLOG:
            self.drop(connection)
            return
        if connection.is_slow != bool(connection.out):
            connection.is_slow = not connection.is_slow
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.is_slow else 0)
            self._selector.modify(connection.socket, wanted, connection)
