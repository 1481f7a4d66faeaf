"""Sizes as people write them: `512MB`, `2GB`, `1GiB`."""

import re

from outlast.core.errors import UsageError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)\Z")


def parse_size(value: str | int) -> int:
    """Return bytes. Raise UsageError for what is no size above zero."""
    match = _SIZE.match(str(value).strip()) if not isinstance(value, bool) else None
    if match is None or match[2].upper() not in _UNITS or float(match[1]) <= 0:
        raise UsageError(f"{value!r} is not a size.", "Write it like 512MB, 2GB or 1GiB.")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def format_size(size: float) -> str:
    """Return `340 B`, `4.2 KB`, `12 MB`, `1.5 GB` (units of 1000)."""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
