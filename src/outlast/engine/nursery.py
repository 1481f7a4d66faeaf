"""The fork servers, one for each home that needs one: asked for a process, heard of deaths, replaced when they fail."""

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
REFUSED_SECONDS = 1.0
"""So long it counts that the machine had no room."""
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
    """One fork server. `is_ready`: it has said so; until then, it is not asked. `asked`: for which ids, and when."""

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    lines: Lines = field(default_factory=Lines)
    is_ready: bool = False
    began: float = field(default_factory=monotonic)
    used: float = field(default_factory=monotonic)
    asked: dict[str, float] = field(default_factory=dict)

    def listen(self) -> tuple[list[dict[str, Any]], bool]:
        """Return what it has said, without waiting, and whether it lives and makes sense."""
        heard: list[dict[str, Any]] = []
        try:
            while data := self.line.recv(65_536):
                heard += self.lines.feed(data)
        except BlockingIOError:
            return heard, True
        except (OSError, ValueError, RecursionError):
            pass
        return heard, False

    def is_late(self) -> bool:
        """Tell whether it owes an answer for too long, or is not ready for too long."""
        now = monotonic()
        if not self.is_ready:
            return now - self.began > READY_SECONDS
        return any(now - since > ANSWER_SECONDS for since in self.asked.values())


class Nursery:
    """The fork servers of a supervisor. What goes wrong with one of them costs time, and never a job."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._servers: dict[Hashable, Server] = {}
        self._all: dict[int, subprocess.Popen[bytes]] = {}
        self._rests: dict[Hashable, float] = {}
        self._refused: dict[Hashable, tuple[int, float]] = {}
        self._births: list[tuple[Hashable, ProcessIdentity, Forked]] = []
        self._deaths: list[tuple[str, int]] = []

    def ask(self, home: Hashable, process_id: str, start: Callable[[int], "subprocess.Popen[bytes]"]) -> bool:
        """Ask for a process, whose birth is told later; False if it must be started in another way for now.

        `start` starts the server, which finds its end of the line under the descriptor that it is given.
        Raise OSError if the machine had no room for a process when it was asked last.
        """
        if monotonic() < self._rests.get(home, 0.0):
            return False
        server = self._servers.get(home) or self._begin(home, start)
        if server is None:
            return False
        server.used = monotonic()
        if not server.is_ready:
            return False
        refused, since = self._refused.pop(home, (0, 0.0))
        if refused and monotonic() - since < REFUSED_SECONDS:
            raise OSError(refused, os.strerror(refused))
        try:
            server.line.sendall(f"{process_id}\n".encode())
        except OSError:
            self._fail(home, server)
            return False
        server.asked[process_id] = monotonic()
        return True

    def asked(self) -> list[Hashable]:
        """Return the home of each process that was asked for and is not born yet."""
        return [home for home, server in self._servers.items() for _ in server.asked]

    def births(self) -> list[tuple[Hashable, ProcessIdentity, Forked]]:
        """Return the processes that were born since the last call, with their homes."""
        births, self._births = self._births, []
        return births

    def await_birth(self, process_id: str) -> None:
        """Wait until it is told whether this process was born, if it was asked for: it may speak before its server."""
        for home, server in list(self._servers.items()):
            poll = select.poll()
            poll.register(server.line, select.POLLIN)
            while process_id in server.asked and self._servers.get(home) is server:
                self._hear(home, server)
                if process_id not in server.asked:
                    return
                if server.is_late():
                    self._fail(home, server)
                    return
                poll.poll(ANSWER_SECONDS * 100)

    def _begin(self, home: Hashable, start: Callable[[int], "subprocess.Popen[bytes]"]) -> Server | None:
        if not IS_POSSIBLE:
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
        heard, lives = server.listen()
        if not (self._sort(home, server, heard) and lives):
            self._fail(home, server)

    def _sort(self, home: Hashable, server: Server, heard: list[dict[str, Any]]) -> bool:
        """Note what it said; False if that made no sense."""
        try:
            for message in heard:
                self._note(home, server, message)
        except (KeyError, TypeError, ValueError):
            return False
        return True

    def _note(self, home: Hashable, server: Server, message: dict[str, Any]) -> None:
        match message["op"]:
            case "ready":
                server.is_ready = True
            case "born":
                identity = _identity(message)
                if server.asked.pop(identity.id, None) is not None:
                    self._births.append((home, identity, Forked(identity.pid, server)))
            case "barren":
                server.asked.pop(str(message["process"]), None)
                if int(message["errno"]) in NO_ROOM:
                    self._refused[home] = int(message["errno"]), monotonic()
                else:
                    self._rest(home)  # what is wrong shows when an interpreter is started
            case "died":
                self._deaths.append((str(message["process"]), int(message["status"])))

    def _fail(self, home: Hashable, server: Server) -> None:
        """Give up a server; if it lives, it is made to end, so that we become the parent of what it has forked."""
        if self._servers.get(home) is server:
            log.warning("The fork server %s has failed; processes are started one by one.", server.process.pid)
            self._rest(home)
            self._end(home)
        server.process.kill()

    def _rest(self, home: Hashable) -> None:
        self._rests = {each: until for each, until in self._rests.items() if until > monotonic()}
        self._rests[home] = monotonic() + REST_SECONDS

    def _end(self, home: Hashable) -> None:
        server = self._servers.pop(home)
        # What it says from now on fails, so that it does not let go of a child whose death nobody heard.
        server.line.shutdown(socket.SHUT_RD)
        self._sort(home, server, server.listen()[0])
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

    def has_news(self) -> bool:
        """Tell whether births or deaths were heard of that nobody has asked for."""
        return bool(self._births or self._deaths)

    def doubt(self, identity: ProcessIdentity, forked: Forked) -> bool:
        """End a server that still does not tell, a look later, that one of its children is dead.

        True if such a child is dead and no server is left to tell of it.
        """
        if is_alive(identity):
            return False
        was_doubted, forked.is_doubted = forked.is_doubted, True
        if was_doubted:
            forked.server.process.kill()
        return was_doubted and forked.server.process.returncode is not None

    def look(self) -> None:
        """Let go of the servers that were not asked for long, and of those that do not get ready."""
        for home, server in list(self._servers.items()):
            if server.is_late():
                self._fail(home, server)
            elif monotonic() - server.used > IDLE_SECONDS:
                self._end(home)

    def close(self) -> None:
        """Let go of all; they leave when they see it."""
        for home in list(self._servers):
            self._end(home)


def _identity(born: dict[str, Any]) -> ProcessIdentity:
    return ProcessIdentity(
        id=str(born["process"]),
        pid=int(born["pid"]),
        start_ticks=int(born["ticks"]),
        boot_id=boot_id(),
        pid_namespace=pid_namespace(),
    )
