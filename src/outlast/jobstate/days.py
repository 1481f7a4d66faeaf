"""Days: which one it is in a time zone, and the ways in which people name one, or some."""

import datetime
import functools
import re
import time

from outlast.core.errors import UsageError

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SPAN = re.compile(r"([0-9]{1,5})([dw])\Z")
_FIX = "Write it like 2025-09-20."


def zone(name: str | None) -> datetime.tzinfo | None:
    """Return the IANA time zone of a name, None (the system's) for none. Raise UsageError if there is no such zone."""
    if not name:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"There is no time zone {name!r:.80}.", "Use an IANA name such as Europe/Berlin (pip install tzdata?)."
        ) from None


def today(zone: datetime.tzinfo | None, now: float) -> str:
    """Return the date at `now` (seconds since 1970) in a time zone: `2025-09-20`."""
    if zone is None:
        return time.strftime("%Y-%m-%d", time.localtime(now))
    return datetime.datetime.fromtimestamp(now, zone).date().isoformat()


def date_of(value: object) -> str:
    """Return `2025-09-20` for a date or its text. Raise UsageError for anything else."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    if not isinstance(value, str):
        raise UsageError(f"A {type(value).__name__} is no date.", _FIX)
    try:
        if not _DATE.match(value):
            raise ValueError
        return datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        raise UsageError(f"{value!r:.40} is no date.", _FIX) from None


def first_day(since: object, today: str) -> str:
    """Return the date that lies `since` before today (`8w`, `30d`), or the date that it names. Raise UsageError."""
    match = _SPAN.match(since.strip()) if isinstance(since, str) else None
    if match is None:
        try:
            return date_of(since)
        except UsageError as error:
            raise UsageError(
                error.message.replace("no date", "neither a span nor a date"), "Write 8w or 30d."
            ) from None
    days = int(match[1]) * (7 if match[2] == "w" else 1)
    first = datetime.date.fromisoformat(today).toordinal() - days
    return datetime.date.fromordinal(max(1, first)).isoformat()


def days_between(first: str, last: str) -> list[str]:
    """Return every date from the first to the last."""
    begin, end = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)
    return [(begin + datetime.timedelta(days=number)).isoformat() for number in range((end - begin).days + 1)]


@functools.lru_cache(maxsize=2)
def _second_text(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def utc_text(now: float) -> str:
    """Return `2025-09-20T10:00:00.000Z`."""
    second = int(now // 1)
    return f"{_second_text(second)}.{int((now - second) * 1000):03}Z"
