"""Where heights come from: one question to a database or to a server, and the number in its answer."""

import json

from outlast.pow.network.addresses import BadAddress, parse_address
from outlast.pow.network.database import DatabaseFailed, ask_once
from outlast.pow.network.exchange import LostAnswer, NoConnection, Request, exchange
from outlast.pow.network.safetext import masked, one_line

HEIGHT_QUERY = "SELECT height FROM structs.current_block ORDER BY updated_at DESC LIMIT 1"
HEIGHT_PATH = "/structs/blockheight"
_KEYS = ("blockheight", "block_height", "height")
_HIGHEST = 2**63 - 1


class SourceFailed(Exception):
    """A source told no height; the message says which and why, without its secrets."""


def ask_database(url: str, *, seconds: float) -> int:
    """Return the height that the database of DATABASE_URL knows. Raise SourceFailed."""
    try:
        rows = ask_once(url, HEIGHT_QUERY, seconds=seconds)
    except DatabaseFailed as error:
        raise SourceFailed(f"DATABASE_URL: {error}.") from None
    if not rows:
        raise SourceFailed("DATABASE_URL: structs.current_block is empty.")
    text = rows[0][0]
    height = None if text is None else _whole_number(text)
    if height is None:
        shown = "NULL" if text is None else repr(one_line(text, 40))
        raise SourceFailed(f"DATABASE_URL: the height in structs.current_block is {shown}.")
    return height


def ask_server(url: str, *, seconds: float) -> int:
    """Return the height that the server at CONSENSUS_API_URL tells. Raise SourceFailed."""
    try:
        address = parse_address(url).below(HEIGHT_PATH)
    except BadAddress as error:
        raise SourceFailed(f"CONSENSUS_API_URL {error}.") from None
    try:
        reply = exchange(Request(method="GET", address=address), seconds=seconds)
    except (NoConnection, LostAnswer) as error:
        raise SourceFailed(f"CONSENSUS_API_URL: {address.shown}: {error}.") from None
    if reply.status != 200:
        raise SourceFailed(f"CONSENSUS_API_URL: {address.shown} answered {reply.status}.")
    height = height_in(reply.body)
    if height is None:
        begin = one_line(masked(reply.body.decode("utf-8", errors="replace"), address.secrets), 40)
        raise SourceFailed(f"CONSENSUS_API_URL: {address.shown} answered {begin!r}, which is no height.")
    return height


def height_in(body: bytes) -> int | None:
    """Return the height in a body: a number or its text, bare or as `blockheight`, `block_height` or `height`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict):
        found = next((found[key] for key in _KEYS if key in found), None)
    if isinstance(found, str):
        return _whole_number(found)
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return found if is_number and 0 <= found <= _HIGHEST else None


def _whole_number(text: str) -> int | None:
    """Return the number that a text of ASCII digits is, if a height can be so high."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(_HIGHEST)):
        return None
    return int(digits) if int(digits) <= _HIGHEST else None
