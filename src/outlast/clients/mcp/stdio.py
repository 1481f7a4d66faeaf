"""The server on stdin and stdout: nothing but the protocol goes there, whatever else this process prints."""

import fcntl
import io
import os
import signal
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

MOST_LINE = 4 * 1024 * 1024
"""Bytes of one message; a longer one is read past, and answered as what it is: no message."""


def serve_stdio(server: Server[Any]) -> None:
    """Serve until stdin is closed, or nobody reads stdout any more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A thread that waits for stdin cannot be told to leave, and there is nothing here to put in order.
        signal.signal(number, lambda received, frame: os._exit(128 + received))
    try:
        anyio.run(_serve, server)
    except* (BrokenPipeError, ConnectionError):
        pass  # nobody reads any more


async def _serve(server: Server[Any]) -> None:
    stdin, stdout = _take(0, os.open(os.devnull, os.O_RDONLY), "rb"), _take(1, os.dup(2), "wb")
    lines: Any = BoundedLines(stdin)
    written = anyio.wrap_file(io.TextIOWrapper(stdout, encoding="utf-8", newline="\n"))
    async with stdio_server(stdin=lines, stdout=written) as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _take(descriptor: int, instead: int, mode: str) -> Any:
    """Return the file of a standard descriptor, which from now on leads elsewhere."""
    private = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.dup2(instead, descriptor)
    os.close(instead)
    return os.fdopen(private, mode)


class BoundedLines:
    """The lines of a stream as text; of one that is too long only a sign of it is kept."""

    def __init__(self, stream: BinaryIO, most: int = MOST_LINE) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await anyio.to_thread.run_sync(self.next_line, abandon_on_cancel=True):
            yield line

    def next_line(self) -> str:
        """Return the next line, empty at the end of the stream."""
        line = self._stream.readline(self._most)
        if len(line) < self._most or line.endswith(b"\n"):
            return line.decode("utf-8", "replace")
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(self._most)
        return f"a message of more than {self._most} bytes\n"
