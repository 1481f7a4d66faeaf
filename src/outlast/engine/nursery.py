"""The fork servers, one for each home that needs one: asked for a process, heard of deaths, replaced when they fail."""

import contextlib
import errno
import logging
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from outlast.core.job import ProcessIdentity
from outlast.engine.identity import boot_id, is_alive, pid_namespace
from outlast.engine.jobside.protocol import Lines
from outlast.engine.wire import Wire

log = logging.getLogger("outlast")

IS_POSSIBLE = sys.platform == "linux" and hasattr(os, "pidfd_open")
MOST_SERVERS = 4
"""So many homes have one; the one that was asked longest ago makes room."""
ANSWER_SECONDS = 2.0
"""A server that has not answered by then is taken for hung, and ended."""
IDLE_SECONDS = 60.0
"""How long a server stays without being asked."""
READY_SECONDS = 60.0
"""One that is not ready by then is taken for broken."""
REST_SECONDS = 5.0
"""How long after a failure none is started for the same home."""
NO_ROOM = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""What the machine says when it has no room for a process, or for a descriptor, right now."""


@dataclass(slots=True, eq=False)
class Forked:
    """A process that a server forked, as `subprocess.Popen` is one that was started: who to wait for, and its end."""

    pid: int
    server: "Server"
    returncode: int | None = None
    is_doubted: bool = False


@dataclass(slots=True, eq=False)
class Server:
    """One fork server. `is_ready`: it has said so; until then, it is not asked."""

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    lines: Lines = field(default_factory=Lines)
    heard: list[dict[str, Any]] = field(default_factory=list)
    is_ready: bool = False
    began: float = field(default_factory=monotonic)
    used: float = field(default_factory=monotonic)

    def listen(self) -> bool:
        """Read what it has said without waiting; False if it is gone, or makes no sense."""
        try:
            while data := self.line.recv(65_536):
                self.heard += self.lines.feed(data)
        except BlockingIOError:
            return True
        except (OSError, ValueError, RecursionError):
            pass
        return False

    def answer(self, process_id: str) -> dict[str, Any] | None:
        """Ask for a process and return what became of it; None if it did not answer, or not to this."""
        deadline = monotonic() + ANSWER_SECONDS
        poll = select.poll()
        poll.register(self.line, select.POLLIN)
        try:
            self.line.sendall(f"{process_id}\n".encode())
        except OSError:
            return None
        while (left := deadline - monotonic()) > 0:
            poll.poll(left * 1000)
            lives = self.listen()
            for message in self.heard:
                if message.get("op") in ("born", "barren") and message.get("process") == process_id:
                    self.heard.remove(message)
                    return message
            if not lives:
                return None
        return None


class Nursery:
    """The fork servers of a supervisor. What goes wrong with one of them costs time, and never a job."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._servers: dict[Hashable, Server] = {}
        self._all: dict[int, subprocess.Popen[bytes]] = {}
        self._rests: dict[Hashable, float] = {}
        self._deaths: list[tuple[str, int]] = []

    def fork(
        self, home: Hashable, process_id: str, start: Callable[[int], "subprocess.Popen[bytes]"]
    ) -> tuple[ProcessIdentity, Forked] | None:
        """Have a process forked; None if it must be started in another way, as long as a server is not ready.

        `start` starts the server, which finds its end of the line under the descriptor that it is given.
        Raise OSError if the machine has no room for a process.
        """
        server = self._servers.get(home) or self._begin(home, start)
        if server is None:
            return None
        server.used = monotonic()
        if not server.is_ready:
            return None
        try:
            return _born(server, server.answer(process_id))
        except (KeyError, TypeError, ValueError):
            self._fail(home, server)
            return None
        finally:
            self._sort(server)

    def _begin(self, home: Hashable, start: Callable[[int], "subprocess.Popen[bytes]"]) -> Server | None:
        if not IS_POSSIBLE or monotonic() < self._rests.get(home, 0.0):
            return None
        if len(self._servers) >= MOST_SERVERS:
            self._end(min(self._servers, key=lambda each: self._servers[each].used))
        ours, its = socket.socketpair()
        with its:
            try:
                process = start(its.fileno())
            except OSError:
                ours.close()
                return None
        ours.setblocking(False)
        server = self._servers[home] = Server(process, ours)
        self._all[process.pid] = process
        self._wire.watch(ours.fileno(), lambda: self._hear(home, server))
        return server

    def _hear(self, home: Hashable, server: Server) -> None:
        lives = server.listen()
        self._sort(server)
        if not lives:
            self._fail(home, server)

    def _sort(self, server: Server) -> None:
        heard, server.heard = server.heard, []
        for message in heard:
            server.is_ready = server.is_ready or message.get("op") == "ready"
            if message.get("op") == "died":
                with contextlib.suppress(KeyError, TypeError, ValueError):  # then its death is seen in another way
                    self._deaths.append((str(message["process"]), int(message["status"])))

    def _fail(self, home: Hashable, server: Server) -> None:
        """Give up a server; if it lives, it is made to end, so that we become the parent of what it has forked."""
        if self._servers.get(home) is server:
            log.warning("The fork server %s has failed; processes are started one by one.", server.process.pid)
            self._rests = {each: until for each, until in self._rests.items() if until > monotonic()}
            self._rests[home] = monotonic() + REST_SECONDS
            self._end(home)
        server.process.kill()

    def _end(self, home: Hashable) -> None:
        server = self._servers.pop(home)
        # What it says from now on fails, so that it does not let go of a child whose death nobody heard.
        server.line.shutdown(socket.SHUT_RD)
        server.listen()
        self._sort(server)
        self._wire.unwatch(server.line.fileno())
        server.line.close()

    def deaths(self) -> list[tuple[str, int]]:
        """Return the ids and exit statuses of the processes that died since the last call."""
        deaths, self._deaths = self._deaths, []
        return deaths

    def reaped(self, pid: int, status: int) -> None:
        """Note that a child of ours is dead: it may be a server."""
        if server := self._all.pop(pid, None):
            server.returncode = status

    def pids(self) -> set[int]:
        """Return the pids of all servers, also of those on their way out."""
        self._all = {pid: process for pid, process in self._all.items() if process.returncode is None}
        return set(self._all)

    def doubt(self, identity: ProcessIdentity, forked: Forked) -> None:
        """End a server that still does not tell, a look later, that one of its children is dead."""
        if is_alive(identity):
            return
        if forked.is_doubted:
            forked.server.process.kill()
        forked.is_doubted = True

    def look(self) -> None:
        """Let go of the servers that were not asked for long, and of those that do not get ready."""
        for home, server in list(self._servers.items()):
            if not server.is_ready and monotonic() - server.began > READY_SECONDS:
                self._fail(home, server)
            elif monotonic() - server.used > IDLE_SECONDS:
                self._end(home)

    def close(self) -> None:
        """Let go of all; they leave when they see it."""
        for home in list(self._servers):
            self._end(home)


def _born(server: Server, answer: dict[str, Any] | None) -> tuple[ProcessIdentity, Forked] | None:
    if answer is None:
        raise ValueError("no answer")
    if answer["op"] == "barren":
        if answer["errno"] in NO_ROOM:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        return None
    identity = ProcessIdentity(
        id=answer["process"],
        pid=int(answer["pid"]),
        start_ticks=int(answer["ticks"]),
        boot_id=boot_id(),
        pid_namespace=pid_namespace(),
    )
    return identity, Forked(identity.pid, server)
