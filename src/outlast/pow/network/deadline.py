"""A bound on talking to a server, however it hangs: no answer, a byte a second, a name that nobody resolves.

Timeouts of sockets bound one read, and PostgreSQL's client has none at all. So the talk runs in a thread, and at the
deadline its sockets are shut from outside: whatever it waits for ends at once. Only what has no socket yet (resolving
a name, connecting) is left alone, and ends by itself within seconds.
"""

import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LAST_WORDS_SECONDS = 0.5
"""How long a thread whose sockets were shut may take to notice; nearly always far less."""


class TookTooLong(Exception):
    """The deadline passed; the talk was cut off."""


class Cord:
    """The sockets of one talk, to be cut from outside it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._is_cut = False

    def hold(self, descriptor: int) -> None:
        """Put a connected socket on the cord. Raise TookTooLong if it was cut already."""
        # A duplicate: the number of a closed descriptor may belong to somebody else when the deadline comes.
        duplicate = socket.socket(fileno=os.dup(descriptor))
        with self._lock:
            self._held.append(duplicate)
            if not self._is_cut:
                return
        self.cut()
        raise TookTooLong

    def cut(self) -> None:
        """Shut every socket, now and later: whoever waits for one gets an error."""
        with self._lock:
            self._is_cut = True
            for held in self._held:
                with contextlib.suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
        self.release()

    def release(self) -> None:
        """Let go of the sockets without shutting them."""
        with self._lock:
            for held in self._held:
                held.close()
            self._held.clear()


def within(seconds: float, talk: Callable[[Cord], T]) -> T:
    """Return what `talk` returns, or raise what it raises. After `seconds` cut it off and raise TookTooLong.

    It runs in a thread and puts its sockets on the cord it is given as soon as it has them. Raise OSError if no
    thread can be started. If the caller is interrupted, the talk is cut off too.
    """
    cord, answers, errors = Cord(), list[T](), list[BaseException]()

    def run() -> None:
        # A signal is for the thread that waits: there it interrupts.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            answers.append(talk(cord))
        except BaseException as error:  # noqa: BLE001 - it is the caller's, who waits for it
            errors.append(error)

    thread = threading.Thread(target=run, name="outlast-talk", daemon=True)
    try:
        _start(thread)
        thread.join(seconds)
    except BaseException:
        cord.cut()
        raise
    if thread.is_alive():
        cord.cut()
        thread.join(_LAST_WORDS_SECONDS)
        raise TookTooLong
    cord.release()
    if errors:
        raise errors[0]
    return answers[0]


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from None
