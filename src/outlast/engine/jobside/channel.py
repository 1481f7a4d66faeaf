"""The job process's line to the supervisor; it survives the death of the supervisor."""

import os
import posix
import signal
import socket
import sys
from collections import deque
from pathlib import Path
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Any, NoReturn

from outlast.core.errors import ClaimLost, JobCancelled, OutlastError
from outlast.engine.eager import Eager
from outlast.engine.jobside.courtesy import as_anybody
from outlast.engine.jobside.protocol import Lines, Message, encode_message
from outlast.engine.launch import Launch
from outlast.engine.sockets import connect

READ_BYTES = 65_536
EAGER_SECONDS = 0.0006
"""How long a job that awaits an answer stays awake for it: a commit and its way there and back."""
RETRY_SECONDS = 0.05
FIRST_CONTACT_SECONDS = 10.0
START_SECONDS = 0.5
"""How long a supervisor that was started may take to answer before another is started."""


Numbered = tuple[int, str, int]
"""A job as it was handed to this process: its number here, id and attempt."""


class SupervisorGone(Exception):
    """The supervisor left while this process had no job: there is nothing to do but leave too."""


class Channel:
    """Send requests and await their answers; after a lost connection find or start a supervisor and send again.

    SIGTERM means: stop the job. It is never delivered inside a half-sent message, but right after it.
    """

    def __init__(self, *, socket_path: str, process_id: str, launch: Launch) -> None:
        self._path = socket_path
        self._process_id = process_id
        self._launch = launch
        self._environment = dict(posix.environ)  # what os.environ stands on: thirty times as fast to copy
        self._pid = os.getpid()
        self._socket: socket.socket | None = None
        self._inode = (0, 0)
        self._lines = Lines()
        self._answers: deque[dict[str, Any]] = deque()
        self._runs: deque[dict[str, Any]] = deque()
        self._unconfirmed: deque[tuple[Numbered, bytes]] = deque()
        self._numbered: Numbered = (0, "", 0)
        self._shield = _Shield(self)
        self._eager = Eager(EAGER_SECONDS)
        self.job: tuple[str, int] | None = None
        self.stop_wanted = False
        signal.signal(signal.SIGTERM, self._on_sigterm)
        os.register_at_fork(after_in_child=self._abandon)

    @property
    def directory(self) -> Path:
        """The directory in which the supervisor listens."""
        return Path(self._path).parent

    @property
    def _data_dir(self) -> Path:
        return self.directory.parent  # a new supervisor makes the directory of its socket anew

    def open(self) -> None:
        """Connect for the first time. Raise SupervisorGone if nobody answers."""
        deadline = monotonic() + FIRST_CONTACT_SECONDS
        while not self._try_connect():
            if monotonic() > deadline:
                raise SupervisorGone
            sleep(RETRY_SECONDS)

    def next_message(self) -> dict[str, Any]:
        """Return the next job, or the word to leave; wait for it while idle. Raise SupervisorGone if nobody is there.

        Ends of earlier jobs that nobody has confirmed are brought home first.
        """
        with self._shield:
            while not self._runs:
                self._take_confirmations()
                if not (self._is_ours() and self._receive()):
                    if not self._unconfirmed:
                        raise SupervisorGone
                    self._reconnect()
            return self._runs.popleft()

    def finish(self, message: Message, *, is_last: bool = False) -> None:
        """Report the end of the current job. If another job is here already, its confirmation is awaited later.

        `is_last`: this process runs no other job; what else it was handed goes back.
        """
        with self._shield:
            if is_last:
                self._runs.clear()
            line = self._line(message)
            self._unconfirmed.append((self._numbered, line))
            if not (self._is_ours() and self._send(line)):
                self._reconnect()
            while self._unconfirmed and not self._runs:
                self._take_confirmations()
                if self._unconfirmed and not (self._is_ours() and self._receive()):
                    self._reconnect()

    def request(self, message: Message) -> dict[str, Any]:
        """Return the answer to `message`. Raise ClaimLost, or the error the supervisor names.

        Blocks as long as it takes: without a supervisor one is started, or awaited if that is switched off.
        """
        self._check_process()
        with self._shield:
            answer = self._exchange(self._line(message))
        if answer["op"] == "lost":
            raise ClaimLost("This attempt is over; another one owns the job.")
        if answer["op"] == "error":
            raise OutlastError(str(answer["message"]), str(answer.get("fix", "")))
        return answer

    def tell(self, message: Message) -> None:
        """Send a message that needs no answer and may be lost."""
        self._check_process()
        with self._shield:
            if self._is_ours():
                self._send(self._line(message))

    def hold(self, seconds: float) -> None:
        """Pause the job for a short time; a request to stop ends it."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0:
            sleep(left)

    def _line(self, message: Message) -> bytes:
        """Return the line of a message about the current job."""
        job = {} if self.job is None else {"job": self.job[0], "attempt": self.job[1]}
        return encode_message({**message, **job})

    def _exchange(self, line: bytes) -> dict[str, Any]:
        while True:
            if self._is_ours() and self._send(line):
                while True:
                    self._take_confirmations()
                    if self._answers:
                        return self._answers.popleft()
                    if not self._receive(is_eager=True):
                        break
            self._reconnect()

    def _take_confirmations(self) -> None:
        """The first answers belong to ends that were reported before."""
        while self._unconfirmed and self._answers:
            self._unconfirmed.popleft()
            self._answers.popleft()

    def _reconnect(self) -> None:
        """Find a supervisor, or start one; stop trying only if the job must stop, or nobody can ever come."""
        started_at = 0.0
        while not self._try_connect():
            if self.stop_wanted:
                raise JobCancelled
            if self._is_homeless():
                _leave(f"{self._data_dir} is gone, and with it the job that ran here; its process ends.")
            if self._launch.allowed and monotonic() - started_at > START_SECONDS:
                started_at = monotonic()
                environment = {os.fsdecode(name): os.fsdecode(it) for name, it in self._environment.items()}
                with as_anybody():
                    self._launch.start(environment)
            sleep(RETRY_SECONDS)

    def _try_connect(self) -> bool:
        self._drop()
        fresh = connect(self._path)
        if fresh is None:
            return False
        self._socket = fresh
        stat = os.fstat(fresh.fileno())
        self._inode = (stat.st_dev, stat.st_ino)
        self._lines = Lines()
        self._answers.clear()
        hello = {"op": "hello", "process": self._process_id, "pid": self._pid, "jobs": self._held()}
        if not self._send(encode_message(hello)):
            return False
        while not self._answers:
            if not self._receive():
                return False
        if self._answers.popleft()["op"] != "welcome":
            if self.job is None:
                raise SupervisorGone
            _leave("This attempt is over; its process ends.")
        return all(self._send(line) for _, line in self._unconfirmed)

    def _is_homeless(self) -> bool:
        """Tell whether the data directory was removed or renamed: no supervisor will listen where we look for it."""
        try:
            os.stat(self._data_dir)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def _held(self) -> list[Numbered]:
        """Return the jobs that this process answers for: ended but not confirmed, running, and not begun."""
        running = [self._numbered] if self.job is not None else []
        ended = [numbered for numbered, _ in self._unconfirmed]
        waiting = [(run["n"], run["job"], run["attempt"]) for run in self._runs]
        return [*ended, *(one for one in running if one not in ended), *waiting]

    def _send(self, line: bytes) -> bool:
        assert self._socket is not None
        try:
            self._socket.sendall(line)
        except OSError:
            self._drop()
            return False
        return True

    def _receive(self, *, is_eager: bool = False) -> bool:
        """Read once; False if the connection is over."""
        assert self._socket is not None
        try:
            data = self._eager.look(self._peek) if is_eager else None
            if data is None:
                data = self._socket.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._drop()
            return False
        for message in self._lines.feed(data):
            (self._runs if message["op"] in ("run", "exit") else self._answers).append(message)
        return True

    def _peek(self) -> bytes | None:
        assert self._socket is not None
        try:
            return self._socket.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def _is_ours(self) -> bool:
        """Tell whether our descriptor is still our socket: a job may have closed it, and opened something else."""
        if self._socket is None:
            return False
        try:
            stat = os.fstat(self._socket.fileno())
        except OSError:
            stat = None
        if stat is None or (stat.st_dev, stat.st_ino) != self._inode:
            self._socket.detach()
            self._socket = None
            return False
        return True

    def _drop(self) -> None:
        if self._is_ours():
            assert self._socket is not None
            self._hear_out(self._socket)
            self._socket.close()
        self._socket = None

    def _hear_out(self, dead: socket.socket) -> None:
        """Take the jobs that the supervisor had sent before it died."""
        try:
            dead.setblocking(False)
            while data := dead.recv(READ_BYTES):
                self._runs += [message for message in self._lines.feed(data) if message["op"] == "run"]
        except (OSError, ValueError):
            return

    def _abandon(self) -> None:
        """In a child forked by the job: keep nothing of the connection, and take nothing from it."""
        if self._is_ours():
            assert self._socket is not None
            self._socket.close()
        self._socket = None

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise OutlastError(
                "The context of a job belongs to the process that runs it, not to a forked child.",
                "Call it in the job's own process.",
            )

    def begin(self, number: int, job_id: str, attempt: int) -> None:
        """From now on this process runs that job, the `number`th that it was handed."""
        self._numbered = (number, job_id, attempt)
        self.job = (job_id, attempt)
        self.stop_wanted = self._shield.has_raised = False

    def end(self) -> None:
        """The job's function is over: a request to stop raises nothing any more."""
        self._shield.has_raised = True

    def _on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            os._exit(128 + signal.SIGTERM)
        if self.job is None:
            os._exit(0)
        self.stop_wanted = True
        self._shield.strike()


def _leave(words: str) -> NoReturn:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
    os._exit(0)


class _Shield:
    """Puts a request to stop off until a message is through. Written out, because generators cost too much here."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._depth = 0
        self.has_raised = False

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if kind is None and self._channel.stop_wanted and self._channel.job is not None:
            self.strike()

    def strike(self) -> None:
        """Stop the job, once, unless a message is under way."""
        if not self._depth and not self.has_raised:
            self.has_raised = True
            raise JobCancelled
