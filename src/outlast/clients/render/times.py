"""Times as people tell them."""

from outlast.core.durations import format_duration
from outlast.core.moments import Moment, to_iso


def age(moment: Moment, now: Moment) -> str:
    """Return how long ago (or ahead) a moment is, in one unit: `4s`, `12m`, `3d`."""
    return span(abs(now - moment) / 1000).partition(" ")[0]


def since(moment: Moment, now: Moment) -> str:
    """Return `2025-01-01 12:00:00 UTC, 4m 12s ago`, or `in 4m 12s`."""
    words = span(abs(now - moment) / 1000)
    ago = words if words == "now" else f"in {words}" if moment > now else f"{words} ago"
    return f"{to_iso(moment)[:19].replace('T', ' ')} UTC, {ago}"


def span(seconds: float) -> str:
    """Return a time that passes while one looks, in whole seconds: `now`, `4s`, `4m 12s`."""
    whole = round(seconds)
    return "now" if whole < 1 else f"{whole}s" if whole < 60 else format_duration(whole)
