"""Opaque cursors: each belongs to one list or text, and is refused everywhere else."""

import base64
import binascii
import hashlib

from outlast.core.errors import UsageError

_LONGEST = 200


def make_cursor(scope: str, place: str) -> str:
    """Return the cursor of a place in what `scope` names."""
    return base64.urlsafe_b64encode(f"{_mark(scope, place)}{place}".encode()).decode().rstrip("=")


def read_cursor(scope: str, cursor: str | None) -> str | None:
    """Return the place of a cursor of `scope`, None without one. Raise UsageError for any other text."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        text = ""
    place = text[8:]
    if len(cursor) > _LONGEST or len(text) < 9 or text[:8] != _mark(scope, place):
        raise UsageError(
            f"{cursor!r:.60} is no cursor of this.", "Pass next_cursor of the same call on unchanged, or leave it out."
        )
    return place


def _mark(scope: str, place: str) -> str:
    return hashlib.sha256(f"{scope}\0{place}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
