"""Values of the export format: how each stands in a line, how it stands in a table, and what is refused."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from outlast.core.codec import check_storable
from outlast.core.errors import UsageError
from outlast.core.moments import from_iso

LARGEST = 2**53
"""A larger number is no count of anything, and other programs would read another one."""

# Most times of a job are the same, or those of its neighbours.
_from_iso = lru_cache(4096)(from_iso)
# ASCII keeps even a lone surrogate, which a value taken over from an old file may hold.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of value. `sql` is the JSON text of a column, which takes the place of `{}`; NULL stays NULL.

    `read` makes a column's value of a JSON value; it raises ValueError, which says in words what that should be.
    """

    sql: str
    read: Callable[[Any], Any]


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text")
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate") from None
    return value


def _read_whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise ValueError("is not a whole number up to 2^53")
    return value


def _read_count(value: Any) -> int:
    if _read_whole(value) < 0:
        raise ValueError("is negative")
    return int(value)


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("is not a number")
    return float(value)


def _read_flag(value: Any) -> int:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return int(value)


def _read_time(value: Any) -> int:
    try:
        return _from_iso(_read_text(value))
    except UsageError:
        raise ValueError("is not a time like 2025-01-01T12:00:00.000Z") from None


def _read_json(value: Any) -> str:
    try:
        check_storable(value, "value")
    except UsageError as error:
        raise ValueError(f"cannot be stored ({error.message.rstrip('.')})") from None
    return _encode(value)


def _read_object(value: Any) -> str:
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    return _read_json(value)


def _read_labels(value: Any) -> str:
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    return _encode({_read_text(name): _read_text(text) for name, text in value.items()})


def _read_progress(value: Any) -> str:
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    reads: Mapping[str, Callable[[Any], Any]] = {
        "done": _read_number,
        "total": _read_number,
        "rate": _read_number,
        "message": _read_text,
        "updated_at": _read_time,
    }
    if "updated_at" not in value or not value.keys() <= reads.keys():
        raise ValueError(f"has other parts than {', '.join(reads)}")
    return _encode({name: _kept_whole(part, reads[name](part)) for name, part in value.items()})


def _kept_whole(before: Any, after: Any) -> Any:
    return before if isinstance(before, int) else after


def _read_bytes(value: Any) -> bytes:
    try:
        return bytes.fromhex(_read_text(value))
    except ValueError:
        raise ValueError("is not hexadecimal") from None


_TIME = "strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1000.0, 'unixepoch')"
_UPDATED_AT = "json_extract({0}, '$.updated_at')"

TEXT = Kind(sql="nullif(json_quote({}), 'null')", read=_read_text)
WHOLE = Kind(sql="{}", read=_read_whole)
COUNT = Kind(sql="{}", read=_read_count)
NUMBER = Kind(sql="nullif(json_quote({}), 'null')", read=_read_number)
FLAG = Kind(sql="iif({}, 'true', 'false')", read=_read_flag)
TIME = Kind(sql=f"nullif(json_quote({_TIME}), 'null')", read=_read_time)
JSON = Kind(sql="json({})", read=_read_json)
OBJECT = Kind(sql="json({})", read=_read_object)
LABELS = Kind(sql="json({})", read=_read_labels)
PROGRESS = Kind(sql=f"json_set({{0}}, '$.updated_at', {_TIME.format(_UPDATED_AT)})", read=_read_progress)
BYTES = Kind(sql="'\"' || lower(hex({})) || '\"'", read=_read_bytes)
