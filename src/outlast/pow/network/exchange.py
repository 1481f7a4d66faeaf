"""One HTTP request and its answer, bounded in time and size, and whether the request may have arrived.

Nothing is followed, tried again or kept open: a redirect is an answer like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outlast.crashpoint import crash_point
from outlast.pow.network.addresses import Address
from outlast.pow.network.deadline import Cord, TookTooLong, within
from outlast.pow.network.safetext import masked, one_line

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

MOST_BYTES = 64 * 1024
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "outlast",
}


class NoConnection(Exception):
    """Nothing of the request was sent."""


class LostAnswer(Exception):
    """The request was sent, at least in part, and no whole answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent where."""

    method: str
    address: Address
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, as it was."""

    status: int
    body: bytes


def exchange(request: Request, *, seconds: float) -> Reply:
    """Send a request and return the reply; it may take `seconds` and have MOST_BYTES.

    Raise NoConnection or LostAnswer; their texts hold no secret of the address.
    """
    from http.client import HTTPException
    from zlib import error as ZlibError  # noqa: N812 - a class, whatever its name

    sending: list[bool] = []

    def talk(cord: Cord) -> Reply:
        connection = _connection(request.address, seconds)
        try:
            connection.connect()
            cord.hold(connection.sock.fileno())
            # Behind the cord: whoever cuts it and finds this list empty knows that nothing can be sent any more.
            sending.append(True)
            _send(connection, request)
            crash_point("exchange:sent")
            with connection.getresponse() as response:
                return Reply(status=response.status, body=_body(response))
        finally:
            connection.close()

    try:
        return within(seconds, talk)
    except (TookTooLong, OSError, HTTPException, ValueError, ZlibError) as error:
        text = masked(_cause(error, seconds), request.address.secrets)
        raise (LostAnswer if sending else NoConnection)(one_line(text)) from None


def _connection(address: Address, seconds: float) -> "HTTPConnection":
    from http.client import HTTPConnection, HTTPSConnection

    if address.scheme == "http":
        return HTTPConnection(address.host, address.port, timeout=seconds)
    import ssl

    return HTTPSConnection(address.host, address.port, timeout=seconds, context=ssl.create_default_context())


def _send(connection: "HTTPConnection", request: Request) -> None:
    headers = {**_HEADERS, **request.headers}
    if request.address.authorization:
        headers["Authorization"] = request.address.authorization
    connection.request(request.method, request.address.target, body=request.body, headers=headers)


def _body(response: "HTTPResponse") -> bytes:
    """Return the whole body, unpacked. Raise ValueError if it is too large, cut short, or packed other than by gzip."""
    body = _sized(response.read(MOST_BYTES + 1))
    if response.length:
        raise ValueError("the answer ended early")
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing == "gzip":
        return _unpacked(body)
    if packing != "identity":
        raise ValueError(f"the answer is packed as {packing}")
    return body


def _unpacked(body: bytes) -> bytes:
    import zlib

    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    unpacked = _sized(unpacking.decompress(body, MOST_BYTES + 1))
    if not unpacking.eof:
        raise ValueError("the answer ended early")
    return unpacked


def _sized(body: bytes) -> bytes:
    if len(body) > MOST_BYTES:
        raise ValueError(f"the answer has more than {MOST_BYTES:,} bytes")
    return body


def _cause(error: Exception, seconds: float) -> str:
    if isinstance(error, TookTooLong | TimeoutError):
        return f"no whole answer within {seconds:g} s"
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    return str(error) or type(error).__name__
