"""Sizes of memory as people write them: `512MB`, `1.5GB`, `1GiB`."""

import re

from outlast.core.errors import UsageError

_UNITS = {"": 1, "B": 1}
_UNITS |= {f"{letter}B": 1000**power for power, letter in enumerate("KMGT", start=1)}
_UNITS |= {f"{letter}IB": 1024**power for power, letter in enumerate("KMGT", start=1)}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([A-Z]{0,3})")
_LEAST, _MOST = 1, 1 << 60
_MEND = "Write it like 512MB, 2GB or 1GiB."


def parse_size(value: str | int) -> int:
    """Return bytes. A number is bytes; MB are 1000², MiB are 1024². Raise UsageError for anything else."""
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip().upper())
        if found is None or found[2] not in _UNITS:
            raise UsageError(f"{value!r:.60} is not a size.", _MEND)
        size = round(float(found[1]) * _UNITS[found[2]])
    elif isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"A {type(value).__name__} is not a size.", _MEND)
    else:
        size = value
    if not _LEAST <= size <= _MOST:
        raise UsageError(f"{value!r:.60} is not a usable size.", "It must lie between 1 byte and 1 EiB.")
    return size


def format_size(size: int) -> str:
    """Return the size in the unit that fits: `640 B`, `623 MB`, `1.52 GB`."""
    if size < 1000:
        return f"{size} B"
    for unit, bytes_each in (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3), ("TB", 1000**4)):
        if size < 999.5 * bytes_each or unit == "TB":
            number = size / bytes_each
            return f"{number:.3g} {unit}" if number < 99.95 else f"{number:.0f} {unit}"
    raise AssertionError
