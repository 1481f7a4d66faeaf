"""Durations as people write them: `500ms 30s 10m 1h 7d`."""

import re

from outlast.core.errors import UsageError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ONE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_MOST_SECONDS = 100 * 366 * 86400.0


def parse_duration(value: str | float | int) -> float:
    """Return seconds. A number is seconds; text is `30s`, `1h30m`, `500ms`. Raise UsageError for anything else."""
    if isinstance(value, str):
        text = value.strip().replace(" ", "")
        if not text or _ONE.sub("", text):
            raise UsageError(f"{value!r:.60} is not a duration.", "Write it like 500ms, 30s, 10m, 1h or 7d.")
        seconds: float = sum(float(number) * _UNITS[unit] for number, unit in _ONE.findall(text))
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"A {type(value).__name__} is not a duration.", "Write it like 500ms, 30s, 10m, 1h or 7d.")
    else:
        seconds = value
    if not 0 <= seconds <= _MOST_SECONDS:
        raise UsageError(f"{_shown(value)} is not a usable duration.", "It must lie between 0 and 100 years.")
    return float(seconds)


def _shown(value: str | float | int) -> str:
    huge = isinstance(value, int) and value.bit_length() > 200
    return "A number of more than 60 digits" if huge else f"{value!r:.60}"


def format_duration(seconds: float) -> str:
    """Return at most two units: `340ms`, `4.2s`, `4m 12s`, `1h 5m`, `3d 2h`."""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for unit, size, lower, part in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size}{unit} {rest}{lower}" if rest else f"{whole // size}{unit}"
    return f"{whole}s"
