"""Moments: whole milliseconds since 1970-01-01 UTC, written as ISO 8601 with `Z`."""

from datetime import UTC, datetime, timedelta

from outlast.core.errors import UsageError

Moment = int
"""Milliseconds since 1970-01-01T00:00:00Z."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def to_iso(moment: Moment) -> str:
    """Return `2025-01-01T12:00:00.000Z`."""
    at = _EPOCH + timedelta(milliseconds=moment)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_iso(text: str) -> Moment:
    """Return the moment of an ISO 8601 text (no offset means UTC). Raise UsageError if it is none."""
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise UsageError(f"{text!r:.60} is not a time.", "Write it like 2025-01-01T12:00:00Z.") from None
    return from_datetime(at if at.tzinfo else at.replace(tzinfo=UTC))


def from_datetime(at: datetime) -> Moment:
    """Return the moment of an aware datetime. Raise UsageError for a naive one, or one before year 1 or after 9999."""
    if at.utcoffset() is None:
        raise UsageError(f"{at!r} has no time zone.", "Use an aware datetime, e.g. datetime.now(UTC).")
    moment = (at - _EPOCH) // timedelta(milliseconds=1)
    if not _FIRST <= moment <= _LAST:
        raise UsageError(f"{at.isoformat()} lies outside the years 1 to 9999 in UTC.", "Use a nearer time.")
    return moment
