"""When a cron rule is due: pure calendar work, the same on every machine with the same time-zone tables.

Five fields, as in Debian's cron. A rule that names minutes and hours means the clock on the wall: a time that the
change to summer time leaves out is due at the first moment after the gap, one that comes twice is due the first time.
A rule whose minute or hour begins with `*` means time as it passes: in a gap there is nothing, and what comes twice is
due twice.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outlast.core.errors import UsageError
from outlast.core.moments import Moment, from_datetime

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
LONGEST_RULE = 200
_SHAPE = 'Write five fields, minute hour day month weekday, like "30 6 * * *" or "0 9 * * MON-FRI", or @daily.'
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_STRIDE = timedelta(hours=6)
"""No zone changes its offset twice within this time."""
_MINUTE_MS = 60_000


def check_rule(text: str) -> str:
    """Return the five fields of a rule, aliases such as `@daily` replaced. Raise UsageError naming the wrong field."""
    from cronsim import CronSim, CronSimError

    if not isinstance(text, str):
        raise UsageError(f"A {type(text).__name__} is no rule.", _SHAPE)
    fields = ALIASES.get(text.strip().lower(), text).upper().split()
    if len(text) > LONGEST_RULE or len(fields) != len(FIELDS):
        raise UsageError(f"{text!r:.80} is no rule: it has {len(fields)} fields.", _SHAPE)
    rule = " ".join(fields)
    try:
        CronSim(rule, datetime(2000, 1, 1))  # noqa: DTZ001 - a time on a wall
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ")
        field = fields[FIELDS.index(wrong)] if wrong in FIELDS else rule
        raise UsageError(f"{text!r:.80} is no rule: {field!r} is no {wrong}.", _SHAPE) from None
    if next_time(rule, "UTC", 0) is None:
        raise UsageError(f"{text!r:.80} is never due.", "There is no such day.")
    return rule


def check_zone(name: str) -> str:
    """Return the name of an IANA time zone. Raise UsageError if there is no such zone."""
    try:
        return _zone_of(name).key
    except (ValueError, OSError, TypeError, LookupError):  # a path, a directory, no text, an unknown name
        raise UsageError(f"{name!r:.80} is no time zone.", "Use an IANA name like Europe/Berlin or UTC.") from None


def rule_in_words(rule: str) -> str:
    """Return what a checked rule says: `at 06:30 every day`."""
    from cronsim import CronSim

    words = CronSim(rule, datetime(2000, 1, 1)).explain()  # noqa: DTZ001 - a time on a wall
    return words[:1].lower() + words[1:]


def next_time(rule: str, zone: str, after: Moment) -> Moment | None:
    """Return the first moment later than `after` at which a checked rule is due; None if there is none any more.

    Raise UsageError for a rule that is not understood any more, LookupError for a zone that is gone.
    """
    from cronsim import CronSimError

    minute, hour, *_ = rule.split()
    by_passing = minute.startswith("*") or hour.startswith("*")
    find = _next_by_passing_time if by_passing else _next_on_the_wall
    try:
        due = find(rule, _zone_of(zone), _EPOCH + timedelta(milliseconds=after))
        return None if due is None else from_datetime(due)
    except CronSimError as error:
        raise UsageError(f"{rule!r:.80} is no rule: {error}.", _SHAPE) from None
    except (OverflowError, ValueError):  # after the year 9999
        return None


def next_times(rule: str, zone: str, after: Moment, count: int) -> list[Moment]:
    """Return the next `count` moments later than `after`, or as many as there are."""
    times: list[Moment] = []
    while len(times) < count and (due := next_time(rule, zone, times[-1] if times else after)) is not None:
        times.append(due)
    return times


def last_time(rule: str, zone: str, after: Moment, until: Moment) -> Moment | None:
    """Return the last moment later than `after` and not later than `until` at which the rule is due."""
    first = next_time(rule, zone, after)
    if first is None or first > until:
        return None
    # next_time never falls as its argument rises, so the last answer that is not too late is found by halving.
    low, high = after, until
    while high - low > _MINUTE_MS // 2:
        middle = (low + high) // 2
        due = next_time(rule, zone, middle)
        if due is not None and due <= until:
            low, first = middle, due
        else:
            high = middle
    return first


def local_time(moment: Moment, zone: str) -> datetime:
    """Return the moment in a zone."""
    return (_EPOCH + timedelta(milliseconds=moment)).astimezone(_zone_of(zone))


def _zone_of(name: str) -> "ZoneInfo":
    # Imported where it is needed: every command knows schedules, and few ask when one is due.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _next_on_the_wall(rule: str, zone: "ZoneInfo", after: datetime) -> datetime | None:
    from cronsim import CronSim

    for wall in CronSim(rule, _wall(after, zone)):
        due = _first_moment(wall, zone)
        if due > after:  # not so in the second pass of an hour, nor twice at the end of a gap
            return due
    return None


def _first_moment(wall: datetime, zone: "ZoneInfo") -> datetime:
    """Return the moment at which the clock shows `wall`, the first of two; in a gap the first moment after it."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(moment, zone) == wall:
        return moment
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _halve(before, moment, lambda middle: _wall(middle, zone) > wall)


def _next_by_passing_time(rule: str, zone: "ZoneInfo", after: datetime) -> datetime | None:
    from cronsim import CronSim

    at = after.replace(microsecond=0) + _SECOND
    while True:
        wall = _wall(at, zone)
        found = next(CronSim(rule, wall - _SECOND), None)
        if found is None:
            return None
        due = at + (found - wall)
        change = _next_change(zone, at, due)
        if change is None:
            return due
        at = change


def _next_change(zone: "ZoneInfo", at: datetime, until: datetime) -> datetime | None:
    """Return the first moment in (at, until] at which the zone has another offset than at `at`."""
    offset = _offset(at, zone)
    while at < until:
        end = min(at + _STRIDE, until)
        if _offset(end, zone) != offset:
            return _halve(at, end, lambda middle: _offset(middle, zone) != offset)
        at = end
    return None


def _halve(low: datetime, high: datetime, is_after: Callable[[datetime], bool]) -> datetime:
    """Return the first whole second in (low, high] of which `is_after` holds, as it does of `high`."""
    while high - low > _SECOND:
        middle = low + (high - low) // (2 * _SECOND) * _SECOND
        low, high = (low, middle) if is_after(middle) else (middle, high)
    return high


def _wall(moment: datetime, zone: "ZoneInfo") -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(moment: datetime, zone: "ZoneInfo") -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
