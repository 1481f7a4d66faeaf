"""A small process that forks job processes of one home: it has loaded what each of them needs, and nothing of theirs.

It is started like a job process, under the name NOBODY, and reads ids from a socket to the supervisor, one a line. For
each it forks a process that goes on as if it had been started under that id. It says, one JSON object a line:

    ready                          from now on it can be asked
    born     process, pid, ticks   always before `died`
    barren   process, errno        it could not be forked
    died     process, status       as subprocess tells it: the exit code, or minus the signal

It has one thread, and leaves when the socket is cut. What it has forked lives on, and becomes the supervisor's own.
"""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress

import outlast.decorator  # noqa: F401 - with it, a module of jobs has most of what it imports
from outlast.crashpoint import crash_point
from outlast.engine.jobside.main import get_ready, live, prctl
from outlast.engine.jobside.protocol import Message, encode_message
from outlast.engine.jobside.target import own_code_is_loaded
from outlast.engine.launch import NOBODY

_ENV_START, _START_TICKS = 47, 19
"""Fields of /proc/PID/stat, counted from the state on (proc(5): 50 and 22)."""


def main() -> None:
    """Fork until the supervisor is gone; in each child, be that job process."""
    text = os.environ.pop("OUTLAST_BOOT")
    boot = json.loads(text)
    _die_with(boot["supervisor"])
    mark = _address_of_mark()
    os.close(os.pidfd_open(os.getpid()))  # if the kernel has none, this must end before anybody counts on it
    if own_code_is_loaded():
        sys.exit("A module of the jobs is called like one that Outlast needs: their processes are not forked.")
    get_ready(boot)
    gc.collect()
    gc.freeze()  # a collection in a child need not copy what all share
    process_id = Server(boot["control"], boot["cwd"]).serve()
    _be(process_id, mark)
    live(json.loads(text.replace(NOBODY, process_id)))


class Server:
    """The loop: ids come in; births and deaths go out."""

    def __init__(self, control: int, cwd: str) -> None:
        self._cwd = cwd
        self._supervisor = socket.socket(fileno=control)
        self._children: dict[int, tuple[str, int]] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> str:
        """Return in a child only, its id; end this process when the supervisor is gone."""
        self._say({"op": "ready"})
        buffer = b""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._children:
                    self._bury(descriptor)
                    continue
                *ids, buffer = (buffer + self._hear()).split(b"\n")
                for process_id in map(bytes.decode, ids):
                    if self._forks(process_id):
                        return process_id

    def _forks(self, process_id: str) -> bool:
        """Fork a process; True in the child, which keeps nothing of the server's."""
        try:
            os.chdir(self._cwd)  # by its name each time: another directory may have it by now
            pid = os.fork()
            if pid:
                crash_point("fork:forked")
                self._see_born(process_id, pid)
                return False
        except OSError as error:
            self._say({"op": "barren", "process": process_id, "errno": error.errno})
            return False
        self._supervisor.close()
        for descriptor in self._children:
            os.close(descriptor)
        return True

    def _see_born(self, process_id: str, pid: int) -> None:
        try:
            ticks = int(_stat(pid)[_START_TICKS])
            descriptor = os.pidfd_open(pid)
        except OSError:  # no descriptor is free; one whose death would go unseen must not live
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._children[descriptor] = process_id, pid
        self._poll.register(descriptor, select.POLLIN)
        self._say({"op": "born", "process": process_id, "pid": pid, "ticks": ticks})

    def _bury(self, descriptor: int) -> None:
        """Tell how a child ended, only then let it go: if this process dies in between, the supervisor sees it."""
        process_id, pid = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert found is not None
        status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        self._say({"op": "died", "process": process_id, "status": status})
        os.waitpid(pid, 0)

    def _hear(self) -> bytes:
        with suppress(OSError):
            if data := self._supervisor.recv(4096):
                return data
        os._exit(0)

    def _say(self, message: Message) -> None:
        try:
            self._supervisor.sendall(encode_message(message))
        except OSError:
            os._exit(0)


def _be(process_id: str, mark: int) -> None:
    """Make one's own what a fork shares with its parent: session and mark. Each job has an output of its own anyway."""
    os.setsid()
    ctypes.memmove(mark, process_id.encode(), len(NOBODY))
    os.environ["OUTLAST_PROCESS_ID"] = process_id


def _address_of_mark() -> int:
    """Return where the value of our mark lies in memory: /proc/PID/environ shows what stands there."""
    with open("/proc/self/environ", "rb") as file:
        environment = b"\0" + file.read()
    entry = f"\0OUTLAST_PROCESS_ID={NOBODY}\0".encode()
    start = int(_stat(os.getpid())[_ENV_START])
    address = start + environment.index(entry) + len(entry) - 2 - len(NOBODY)
    if not start or ctypes.string_at(address, len(NOBODY)) != NOBODY.encode():
        sys.exit("The environment of a process is not where /proc says: no process is forked.")
    return address


def _stat(pid: int) -> list[bytes]:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b") ")[2].split()


def _die_with(supervisor: int) -> None:
    """End with the supervisor, even while it is not read from the socket that it is gone."""
    prctl()(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG, linux/prctl.h; a fork does not inherit it
    if os.getppid() != supervisor:
        os._exit(0)
