"""A client's way to the supervisor: ring it, start it, wait for a sign."""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable, Sequence

from outlast.core.errors import StoreGone
from outlast.core.job import ProcessIdentity
from outlast.engine.identity import identify, is_alive
from outlast.engine.jobside.protocol import encode_message
from outlast.engine.launch import Launch
from outlast.engine.sockets import connect

_RING = encode_message({"op": "ring"})
_WISH = encode_message({"op": "ring", "wish": True})
_WATCH = encode_message({"op": "watch"})
QUIET_SECONDS = 0.1
"""How often to look while there is no supervisor to give a sign."""


class SocketDoorbell:
    """The doorbell of one data directory. A ring is a hint: the supervisor finds work without it too."""

    def __init__(self, path: str, launch: Launch, *, has_row: Callable[[], bool], has_work: Callable[[], bool]) -> None:
        self._path = path
        self._launch = launch
        self._has_row = has_row
        self._has_work = has_work
        self._socket: socket.socket | None = None
        self._watching = False
        self._started: ProcessIdentity | None = None
        self._signs = 0
        self._begin()

    def _begin(self) -> None:
        """Begin in this process: threads of a parent that hold our locks, or listen, do not exist in its fork."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._heard = threading.Condition()
        self._someone_listens = False
        self._of_thread = threading.local()
        self._forget()

    def _own_process(self) -> None:
        if self._pid != os.getpid():
            self._begin()

    def ring(self, *, wish: bool = False) -> bool:
        """Say that there is something to do (`wish`: with a running job); start a supervisor if none lives.

        False if there is none.
        """
        self._own_process()
        with self._lock:
            if self._has_row() and self._send(_WISH if wish else _RING):
                return True
            return self._start()

    def ensure(self) -> bool:
        """Start a supervisor if unfinished work exists and none lives; False if there is none."""
        self._own_process()
        with self._lock:
            if self._has_row() and self._send(_RING):
                return True
            return self._has_work() and self._start()

    def tell_read(self, job_ids: Sequence[str]) -> bool:
        """Let the supervisor note that the end of these jobs was read, with its next save; False without one."""
        self._own_process()
        with self._lock:
            return self._has_row() and self._send(encode_message({"op": "read", "jobs": job_ids}))

    def wait(self, seconds: float) -> None:
        """Return at a sign of the supervisor; without one, after a short while, having seen to it that one comes.

        Of several threads that wait one listens for all: a sign is read only once.
        """
        self._own_process()
        with self._heard:
            if self._missed_a_sign():
                return
            if self._someone_listens:
                self._heard.wait(seconds)
                self._missed_a_sign()
                return
            self._someone_listens = True
        try:
            self._listen(seconds)
        finally:
            with self._heard:
                self._signs += 1
                self._someone_listens = False
                self._missed_a_sign()
                self._heard.notify_all()

    def _missed_a_sign(self) -> bool:
        """Tell whether there may have been a sign since this thread looked: after its last wait, if it had any."""
        last, self._of_thread.signs = getattr(self._of_thread, "signs", None), self._signs
        return bool(last != self._signs)

    def _listen(self, seconds: float) -> None:
        with self._lock:
            watching = self._watch()
        if watching is None:
            threading.Event().wait(min(seconds, QUIET_SECONDS))
            self.ensure()
            return
        with contextlib.suppress(OSError, ValueError):
            if select.select([watching], [], [], seconds)[0] and not watching.recv(65_536):
                with self._lock:
                    self._forget()

    def close(self) -> None:
        """Hang up."""
        self._own_process()
        with self._lock:
            self._forget()

    def _start(self) -> bool:
        """Start a supervisor, unless the one we started is still on its way."""
        if self._launch.allowed and (self._started is None or not is_alive(self._started)):
            try:
                pid = self._launch.start()
            except FileNotFoundError as error:
                raise StoreGone(
                    f"{error.filename} was removed while it was in use.", "Try again to go on with a new one."
                ) from error
            self._started = None if pid is None else identify(pid, "started")
        return self._launch.allowed

    def _send(self, line: bytes) -> bool:
        for _ in range(2):  # the supervisor may have been replaced since the last ring
            if self._connected() is None:
                return False
            try:
                self._socket.send(line)  # type: ignore[union-attr]
            except BlockingIOError:
                return True  # it has not read its earlier rings yet
            except OSError:
                self._forget()
            else:
                return True
        return False

    def _connected(self) -> socket.socket | None:
        if self._socket is None:
            self._socket = connect(self._path)
            self._watching = False
            if self._socket is not None:
                self._socket.setblocking(False)
        return self._socket

    def _watch(self) -> socket.socket | None:
        if self._connected() is not None and not self._watching:
            self._watching = self._send(_WATCH)
        return self._socket

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
