"""A dead attempt that still speaks: it shows itself to the supervisor, and reports an end that never was.

Usage: ghost.py SOCKET JOB ATTEMPT; prints `refused`, `welcome`, or `nobody` if no supervisor answered. It is a process
of its own, because a supervisor that takes it in will kill it in the end.
"""

import os
import socket
import sys

from outlast.core.codec import encode
from outlast.engine.jobside.protocol import Lines, Message, encode_message
from outlast.engine.sockets import connect

ANSWER_SECONDS = 2.0


def speak(socket_path: str, job_id: str, attempt: int) -> str:
    """Say hello and finish the job; return what came of it."""
    hello = {"op": "hello", "process": "p-ghost", "pid": os.getpid(), "jobs": [[1, job_id, attempt]]}
    end = {"outcome": "completed", "result": encode("a ghost was here", "the result"), "clean": True, "left": []}
    finish = {"op": "finish", "job": job_id, "attempt": attempt, "ms": 1.0, **end}
    connection = connect(socket_path)
    if connection is None:
        return "nobody"
    with connection:
        connection.settimeout(ANSWER_SECONDS)
        answers = [_ask(connection, message) for message in (hello, finish)]
    if None in answers:
        return "nobody"
    return "refused" if answers == ["lost", "lost"] else "welcome"


def _ask(connection: socket.socket, message: Message) -> str | None:
    """Return the word of the answer, None if the line was cut."""
    lines = Lines()
    try:
        connection.sendall(encode_message(message))
        while data := connection.recv(65_536):
            for answer in lines.feed(data):
                return str(answer["op"])
    except OSError:
        pass
    return None


if __name__ == "__main__":
    print(speak(sys.argv[1], sys.argv[2], int(sys.argv[3])))
