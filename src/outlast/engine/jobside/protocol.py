"""The words between supervisor and job processes: JSON objects, one a line, over a local stream socket.

    job process → supervisor                      supervisor → job process
    hello    process, pid, jobs                   welcome | lost
    step     name, kind, result, ms, save?        ok | lost | error
    save     save, wait                           ok | lost | error     (only with wait)
    steps    after                                steps [[name, kind, result]…], more
    finish   outcome, …, clean, left, save?       ok | lost
    call     method, params                       ok value | error
                                                  run …  |  exit

    client → supervisor: ring (look at the store), watch (a newline after each change), read (jobs whose end was seen)

`finish` has the outcome `completed` (result), `failed` (error, traceback, retryable), `stopped`, `stale`, or
`parked` (wait: reason, wake_at or delay, info, step). A wait for input has its questions in info.
`save` holds the checkpoint fields that are new: cursor, partial (JSON text), progress, extra.
An answer that promises something comes after the commit. Every message about a job names it and its attempt; a
request may be sent again on a new connection. `hello` lists the jobs the process answers for: [number, id, attempt].
"""

import json
from collections.abc import Mapping
from typing import Any

Message = Mapping[str, Any]

_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode

OK: Message = {"op": "ok"}
"""The answer of nearly every message."""
_OK_LINE = b'{"op":"ok"}\n'


def encode_message(message: Message) -> bytes:
    """Return the line of a message."""
    return _OK_LINE if message is OK else _encode(message).encode() + b"\n"


class Lines:
    """Cut a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages completed by `data`. Raise ValueError for a line that is no JSON object."""
        self._buffer += data
        if data.find(b"\n") < 0:
            return []
        *lines, self._buffer = self._buffer.split(b"\n")
        return [_message(line.decode()) for line in lines]


def _message(line: str) -> dict[str, Any]:
    message, end = _decode(line)
    if end != len(line) or not isinstance(message, dict):
        raise ValueError("a line is not one object")
    return message
