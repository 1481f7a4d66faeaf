"""JSON, strictly: what goes in comes out equal, or is refused with the place that offends."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outlast.core.errors import NotStorable, UsageError

MAX_DEPTH = 200
MAX_BYTES = 16 * 1024 * 1024
"""One argument list, step result, checkpoint or job result; larger things belong in a file whose path is kept."""
MAX_INT_BITS = 14_284
"""The integers of 4,300 digits: Python reads no longer ones, so another process could not."""

_PLAIN_KEY = re.compile(r"\w{1,60}\Z")
_MOST_PLACE = 120

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_canonical = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def encode(value: Any, name: str) -> str:
    """Return compact JSON of `value`. Raise NotStorable, naming `name` and the place, for what JSON cannot hold.

    Tuples become lists. Refused: other types, NaN and infinities, keys that are not text, lone surrogates,
    more than MAX_DEPTH levels, more than MAX_BYTES bytes.
    """
    check_storable(value, name)
    try:
        text = _encoder.encode(value)
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise NotStorable(f"{name} holds a lone surrogate.", "Use text that is valid Unicode.") from None
    except ValueError as error:
        raise NotStorable(f"{name} cannot be stored: {error}.", "Pass a smaller number, or text.") from None
    if size > MAX_BYTES:
        raise NotStorable(
            f"{name} is {size:,} bytes of JSON; the most is {MAX_BYTES:,}.", "Write it to a file and pass its path."
        )
    return text


def check_storable(value: Any, name: str) -> None:
    """Raise NotStorable, naming `name` and the place, for what JSON cannot hold; size and surrogates are not seen."""
    if fault := _fault(value, 0):
        raise NotStorable(f"{name}{fault.place[:_MOST_PLACE]} {fault.problem}.", fault.fix)


def canonical(value: Any) -> str:
    """Return the JSON text that is the same for equal values (sorted keys); `value` is known to be storable."""
    return _canonical.encode(value)


def decode(text: str, name: str = "JSON") -> Any:
    """Return the value of a JSON text. Raise UsageError for what is not JSON, NaN and too deep nesting included."""
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise UsageError(f"{name} is nested too deeply.", f"The most is {MAX_DEPTH} levels.") from None
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name} is not JSON: {error}.", "Check it with python -m json.tool.") from None


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text:.40} is too large")
    return number


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


@dataclass(slots=True)
class _Fault:
    """Why a value is not storable, and where in it; the place is spelled on the way back up."""

    problem: str
    fix: str
    place: str = ""

    def below(self, step: str) -> "_Fault":
        self.place = step + self.place
        return self


def _fault(value: Any, depth: int) -> _Fault | None:
    if value is None or isinstance(value, str | bool):
        return None
    if isinstance(value, int):
        too_long = value.bit_length() > MAX_INT_BITS
        return _Fault("is a number of more than 4,300 digits", "Pass it as text.") if too_long else None
    if isinstance(value, float):
        if math.isfinite(value):
            return None
        return _Fault(f"is {value}, which JSON does not have", "Use a number or null.")
    if depth > MAX_DEPTH and isinstance(value, list | tuple | dict):
        return _Fault(f"is nested deeper than {MAX_DEPTH} levels", "Flatten it.")
    if isinstance(value, list | tuple):
        return _fault_in_list(value, depth)
    if isinstance(value, dict):
        return _fault_in_dict(value, depth)
    problem = f"is a {type(value).__name__}, which JSON does not have"
    return _Fault(problem, "Pass text, numbers, booleans, null, lists or dicts.")


def _fault_in_list(value: Sequence[Any], depth: int) -> _Fault | None:
    for index, item in enumerate(value):
        if fault := _fault(item, depth + 1):
            return fault.below(f"[{index}]")
    return None


def _fault_in_dict(value: Mapping[Any, Any], depth: int) -> _Fault | None:
    for key, item in value.items():
        if not isinstance(key, str):
            return _Fault(f"has a key that is a {type(key).__name__}, not text", "Use text keys.")
        if fault := _fault(item, depth + 1):
            return fault.below(f".{key}" if _PLAIN_KEY.match(key) else f"[{key!r:.60}]")
    return None


JsonObject = Mapping[str, Any]
"""A decoded JSON object; only the codec's callers at the edges hold one."""
