"""The process of one account of a run, from outside: started, heard, and ended."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from outlast.jobstate.ending import STOPPED

_LONGEST_LINE = 65_536

Hear = Callable[[dict[str, Any]], None]


class AccountProcess:
    """A process that does an order. What it says goes to `hear`, as does each line that it prints.

    `doing` is the activity that has begun and not ended; `cause` tells, once it is over, how it ended.
    """

    def __init__(self, order: Mapping[str, Any], hear: Hear, selector: selectors.BaseSelector) -> None:
        self.began = self._since = monotonic()
        self.doing = ""
        self.said_end = False
        self.cause = ""
        self._hear = hear
        self._selector = selector
        self._unread = {"events": b"", "output": b""}
        events, events_writer = os.pipe()
        output, output_writer = os.pipe()
        self._pipes = {"events": events, "output": output}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outlast.jobstate.worker", str(events_writer)],
            stdin=subprocess.PIPE,
            stdout=output_writer,
            stderr=output_writer,
            pass_fds=(events_writer,),
            start_new_session=True,  # so that Ctrl-C on the terminal comes to the run alone
        )
        os.close(events_writer)
        os.close(output_writer)
        for what, descriptor in self._pipes.items():
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ, partial(self._read, what))
        self._give(json.dumps(order).encode() + b"\n")

    def _give(self, order: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(order)
            self._process.stdin.flush()

    def _read(self, what: str) -> bool:
        """Hear what there is to read; False if there was nothing."""
        try:
            part = os.read(self._pipes[what], _LONGEST_LINE)
        except BlockingIOError:
            return False
        if not part:
            self._selector.unregister(self._pipes[what])
        *lines, rest = (self._unread[what] + part).split(b"\n")
        if rest and (not part or len(rest) >= _LONGEST_LINE):
            lines, rest = [*lines, rest], b""
        self._unread[what] = rest
        for line in lines:
            self._hear_line(what, line)
        return bool(part)

    def _hear_line(self, what: str, line: bytes) -> None:
        if what == "output":
            self._hear({"event": "output", "text": line.decode("utf-8", "replace").rstrip("\r")})
            return
        event = json.loads(line)
        if event["event"] == "begin":
            self.doing, self._since = event["activity"], monotonic()
        else:
            self.doing = ""
        self.said_end = self.said_end or event["event"] == "end"
        self._hear(event)

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    def has_ended(self, timeout_seconds: float | None) -> bool:
        """Tell whether it is over; one whose activity takes too long is killed for it."""
        code = self._process.poll()
        if code is not None:
            self.cause = _cause(code)
            return True
        if timeout_seconds is None or not self.doing or monotonic() - self._since < timeout_seconds:
            return False
        self.kill()
        self.cause = f"timeout after {timeout_seconds:g} s"
        return True

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process alone."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """Kill it, and what it has started in its session."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Hear what it said before it ended, and let go of it. One that did not end well leaves nothing behind."""
        if not self.said_end:
            self.kill()
        for what, descriptor in self._pipes.items():
            while descriptor in self._selector.get_map() and self._read(what):
                continue
            with suppress(KeyError):
                self._selector.unregister(descriptor)
            os.close(descriptor)
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()


def _cause(code: int) -> str:
    if code >= 0:
        return "stopped" if code == STOPPED else f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
