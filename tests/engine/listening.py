"""A server on this machine that is told of ends, and jobs that end."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from outlast import Context, job


@dataclass
class Listener:
    """What was posted: header Idempotency-Key and JSON body of each. `answers` holds the codes to answer first;
    nothing is answered before `may_answer`."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen on a port of this machine."""
    listener = Listener()
    listener.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            listener.heard.append((self.headers["Idempotency-Key"], body))
            code = listener.answers.pop(0) if listener.answers else 200
            listener.may_answer.wait()
            self.send_response(code)
            if code == 307:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked may be dead by now
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}/ends"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


@job
def completes(value: Any) -> Any:
    return value


@job
def fails(ctx: Context) -> None:
    ctx.progress(1, 2, "half")
    raise ValueError("no good")


@job
def large() -> str:
    return "x" * 100_000


@job
def submits(value: int) -> str:
    return completes.submit(value).id
