"""Several processes that carry out the orders of a crew, each a fresh interpreter that runs worker.py."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from time import monotonic

from outlast import OutlastError
from outlast.pow.searching.orders import Order, Report

_ORDERS_AHEAD = 2
"""So many orders a process has at most: while it carries out one, the next lies ready."""
_MOST_DEATHS = 3
_READ_BYTES = 65_536
_BOOT = (
    "import sys,json\nsys.path[:]=json.loads(sys.argv.pop(1))\nfrom outlast.pow.searching.worker import main\nmain()\n"
)


class Team:
    """Hands that are processes. One that dies is replaced, unless it dies again and again."""

    def __init__(self, prefix: bytes, choice: str, processes: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._ends: deque[Report | Order] = deque()
        hello = json.dumps([prefix.hex(), choice]).encode() + b"\n"
        try:
            for _ in range(processes):
                self._workers.append(_Worker(hello))
                self._listen_to(self._workers[-1])
        except BaseException:
            self.close()
            raise

    @property
    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers]

    def are_free(self) -> bool:
        return any(len(worker.orders) < _ORDERS_AHEAD for worker in self._workers)

    def are_idle(self) -> bool:
        return not self._ends and not any(worker.orders for worker in self._workers)

    def give(self, order: Order) -> None:
        min(self._workers, key=lambda worker: len(worker.orders)).take(order)

    def next_end(self, seconds: float) -> Report | Order | None:
        deadline = monotonic() + seconds
        while not self._ends:
            ready = self._selector.select(max(0.0, deadline - monotonic()))
            if not ready:
                return None
            for key, _ in ready:
                self._hear(key.data)
        return self._ends.popleft()

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.reap()
        self._selector.close()

    def _listen_to(self, worker: "_Worker") -> None:
        self._selector.register(worker.output, selectors.EVENT_READ, worker)

    def _hear(self, worker: "_Worker") -> None:
        reports = worker.reports()
        if reports is not None:
            self._ends.extend(reports)
            return
        self._selector.unregister(worker.output)
        worker.reap()
        self._ends.extend(worker.orders)
        worker.start_again()
        self._listen_to(worker)


class _Worker:
    """One of the processes, and the orders it has. Its death is noticed at its output, never at its input."""

    def __init__(self, hello: bytes) -> None:
        self.orders: deque[Order] = deque()
        self._hello = hello
        self._deaths = 0
        self._text = b""
        self._start()

    @property
    def output(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def take(self, order: Order) -> None:
        self.orders.append(order)
        self._send(order.as_line())

    def reports(self) -> list[Report] | None:
        """Read what has come; None if the process has ended. Raise the OutlastError it reports."""
        text = os.read(self.output, _READ_BYTES)
        if not text:
            return None
        *lines, self._text = (self._text + text).split(b"\n")
        return [self._report(line) for line in lines]

    def start_again(self) -> None:
        """Start another process in place of one that has ended. Raise OutlastError if that happens all the time."""
        self._deaths += 1
        if self._deaths == _MOST_DEATHS:
            raise OutlastError(
                f"A search process ended {_MOST_DEATHS} times without finishing a block: {self._how_it_ended()}.",
                "Look into the log; search with fewer processes, or with hashlib only.",
            )
        self.orders.clear()
        self._start()

    def reap(self) -> None:
        """Wait for the end of the process and close its pipes."""
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _start(self) -> None:
        path = json.dumps([entry for entry in sys.path if isinstance(entry, str)])
        try:
            self.process = subprocess.Popen(
                [sys.executable or "python3", "-P", "-c", _BOOT, path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as error:
            raise OutlastError(
                f"No search process could be started: {error}.", "Search with fewer processes."
            ) from None
        self._text = b""
        self._send(self._hello)

    def _send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(line)

    def _report(self, line: bytes) -> Report:
        if line.startswith(b"{"):
            raise OutlastError(**json.loads(line))
        self.orders.popleft()
        self._deaths = 0
        return Report.from_line(line)

    def _how_it_ended(self) -> str:
        code = self.process.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
