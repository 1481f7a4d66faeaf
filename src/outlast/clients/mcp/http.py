"""The server over HTTP: on this machine alone, unless a token is set; each request bounded."""

import hmac
import ipaddress
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import Any

import anyio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings

from outlast.core.errors import Refused, UsageError

PATH = "/mcp"
MOST_BODY = 1024 * 1024
BODY_SECONDS = 20.0
REQUESTS_PER_SECOND = 100.0
BURST = 400.0
MOST_AT_ONCE = 200
LEAVE_SECONDS = 3

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def make_app(server: Server[Any], *, host: str, token: str | None) -> App:
    """Return the ASGI application. Raise Refused for an address beyond this machine without a token."""
    local = is_loopback(host)
    if not local and not token:
        raise Refused(
            f"{host} is reached from other machines, and no token protects it.",
            "Set OUTLAST_TOKEN, or leave --host out.",
        )
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MOST_BODY,
        transport_security=_security(local),
    )
    return Guard(inner, token=token)


def _security(local: bool) -> TransportSecuritySettings:
    """Return which Host and Origin are let in. Elsewhere the token protects, which no foreign page has."""
    names = ("127.0.0.1", "localhost", "[::1]")
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=local,
        allowed_hosts=[entry for name in names for entry in (name, f"{name}:*")],
        allowed_origins=[f"http://{entry}" for name in names for entry in (name, f"{name}:*")],
    )


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets in what has the token, comes at a bearable rate, and is said in time."""

    def __init__(self, app: Any, *, token: str | None) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._tokens = BURST
        self._at = monotonic()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not self._has_room():
            await _refuse(send, 429, "Too many requests.", (b"retry-after", b"1"))
        elif not self._is_known(scope):
            await _refuse(send, 401, "A valid token is needed.", (b"www-authenticate", b"Bearer"))
        else:
            await self._app(scope, _in_time(receive), send)

    def _has_room(self) -> bool:
        now = monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._at) * REQUESTS_PER_SECOND)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _is_known(self, scope: Message) -> bool:
        if self._token is None:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        word, _, token = (given[0] if len(given) == 1 else b"").partition(b" ")
        return word.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)


def _in_time(receive: Receive) -> Receive:
    """Return what receives a body that must be there soon; one that trickles is taken for a lost connection."""
    deadline = monotonic() + BODY_SECONDS
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        with anyio.move_on_after(max(0.0, deadline - monotonic())):
            message = await receive()
            is_whole = not message.get("more_body", False)
            return message
        return {"type": "http.disconnect"}

    return receive_in_time


async def _refuse(send: Send, status: int, words: str, header: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), header]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})


def serve_http(server: Server[Any], *, host: str, port: int, token: str | None) -> None:
    """Serve until a signal says stop. Raise Refused, or UsageError for an address that cannot be had."""
    app = make_app(server, host=host, token=token)
    listening = _listen(host, port)
    name = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"Serving MCP on http://{name}:{listening.getsockname()[1]}{PATH}\n")
    sys.stderr.flush()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=LEAVE_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), port), family=family, backlog=256)
    except OSError as error:
        raise UsageError(f"{host}:{port} cannot be listened on: {error.strerror}.", "Name another --port.") from None
