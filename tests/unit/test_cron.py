"""When a rule is due, against an oracle that knows no calendar: it lets a clock run minute by minute."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outlast.core.cron import check_rule, check_zone, last_time, local_time, next_time, next_times, rule_in_words
from outlast.core.errors import UsageError
from outlast.core.moments import Moment, from_datetime, from_iso

MINUTE = timedelta(minutes=1)
DAYS = 2
ZONES = (
    "Europe/Berlin",
    "America/Sao_Paulo",  # midnight itself was left out, until 2018
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # backwards and forwards again within a month
    "Pacific/Apia",  # the 30th of December 2011 never was
    "America/St_Johns",  # at one minute past midnight, until 2011
    "Asia/Kathmandu",
    "UTC",
)


def utc(text: str) -> Moment:
    return from_iso(text)


def due_after(rule: str, zone: str, after: str, count: int = 3) -> list[str]:
    """Return the next due times, in the zone, without seconds."""
    times = next_times(check_rule(rule), zone, utc(after), count)
    return [local_time(moment, zone).strftime("%m-%d %H:%M%z") for moment in times]


@pytest.mark.parametrize(
    ("rule", "zone", "after", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", "2025-03-29T12:00Z", ["03-30 03:00+0200", "03-31 02:30+0200"]),
        ("30 2 * * *", "Europe/Berlin", "2025-10-25T12:00Z", ["10-26 02:30+0200", "10-27 02:30+0100"]),
        ("0,30 2,3 * * *", "Europe/Berlin", "2025-03-29T12:00Z", ["03-30 03:00+0200", "03-30 03:30+0200"]),
        ("*/30 * * * *", "Europe/Berlin", "2025-03-30T00:15Z", ["03-30 01:30+0100", "03-30 03:00+0200"]),
        ("0 * * * *", "Europe/Berlin", "2025-10-25T23:30Z", ["10-26 02:00+0200", "10-26 02:00+0100"]),
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00Z", ["11-04 01:00-0200", "11-05 00:00-0200"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00Z", ["10-05 02:30+1100", "10-06 02:15+1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2025-04-05T12:00Z", ["04-06 01:45+1100", "04-07 01:45+1030"]),
        ("*/15 3 * * *", "Australia/Lord_Howe", "2025-10-04T12:00Z", ["10-05 03:00+1100", "10-05 03:15+1100"]),
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T23:00Z", ["12-31 00:00+1400", "12-31 12:00+1400"]),
    ],
)
def test_the_two_changes_of_a_year(rule: str, zone: str, after: str, expected: list[str]) -> None:
    assert due_after(rule, zone, after, 2) == expected


def test_in_the_second_pass_of_an_hour_the_first_is_not_due_again() -> None:
    second_pass = "2025-10-26T01:10:00Z"  # 02:10 for the second time

    assert due_after("30 2 * * *", "Europe/Berlin", second_pass, 1) == ["10-27 02:30+0100"]


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> tuple[str, frozenset[int]]:
    """Return a field and the numbers it means."""
    kind = draw(st.sampled_from(["all", "step", "list", "range"]))
    first, second = draw(st.integers(low, high)), draw(st.integers(low, high))
    if kind == "all":
        return "*", frozenset(range(low, high + 1))
    if kind == "step":
        step = draw(st.integers(1, 30))
        return f"*/{step}", frozenset(range(low, high + 1, step))
    if kind == "list":
        return f"{first},{second}", frozenset({first, second})
    return f"{min(first, second)}-{max(first, second)}", frozenset(range(min(first, second), max(first, second) + 1))


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, tuple[frozenset[int], ...]]:
    """Return a rule that is due on most days, and the numbers of its fields."""
    parts = [draw(fields(0, 59)), draw(fields(0, 23)), draw(fields(1, 31)), ("*", frozenset(range(1, 13)))]
    parts.append(draw(fields(0, 6)))
    return " ".join(text for text, _ in parts), tuple(numbers for _, numbers in parts)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """Return a zone, and a moment at most a day and a half before one of its changes if it has one in that year."""
    zone = draw(st.sampled_from(ZONES))
    start = datetime(draw(st.integers(1975, 2037)), 1, 1, tzinfo=UTC)
    offsets = [(start + timedelta(days=n)).astimezone(ZoneInfo(zone)).utcoffset() for n in range(366)]
    changes = [n for n in range(365) if offsets[n] != offsets[n + 1]]
    day = draw(st.sampled_from(changes)) if changes else draw(st.integers(0, 364))
    return zone, start + timedelta(days=day, minutes=draw(st.integers(-2160, 1440)))


def oracle(rule: str, numbers: tuple[frozenset[int], ...], zone: ZoneInfo, start: datetime) -> list[datetime]:
    """Return every due moment of some days after `start`, by watching a clock."""
    minute, hour, day, _, weekday = rule.split()
    needs = all if day.startswith("*") or weekday.startswith("*") else any
    passing = minute.startswith("*") or hour.startswith("*")
    found = []
    # The clock has been watched for two days before, so that it is known which times were shown before.
    seen = (start - timedelta(days=2)).astimezone(zone).replace(tzinfo=None)
    at = start - timedelta(days=2)
    while at < start + timedelta(days=DAYS):
        at += MINUTE
        wall = at.astimezone(zone).replace(tzinfo=None)
        if passing:
            is_due = matches(numbers, needs, wall)
        else:
            is_due = False
            while seen < wall:  # all that the clock shows for the first time, or jumps over
                seen += MINUTE
                is_due = is_due or matches(numbers, needs, seen)
        if is_due and at > start:
            found.append(at)
    return found


def matches(numbers: tuple[frozenset[int], ...], needs: Callable[[Iterable[bool]], bool], wall: datetime) -> bool:
    minutes, hours, days, months, weekdays = numbers
    if wall.minute not in minutes or wall.hour not in hours or wall.month not in months:
        return False
    return needs((wall.day in days, wall.isoweekday() % 7 in weekdays))


@settings(max_examples=30)
@example(("30 2 * * *", ()), ("Europe/Berlin", datetime(2025, 3, 29, tzinfo=UTC)))
@given(rules(), moments())
def test_a_rule_is_due_when_the_clock_of_its_zone_says_so(
    rule: tuple[str, tuple[frozenset[int], ...]], moment: tuple[str, datetime]
) -> None:
    text, numbers = rule
    numbers = numbers or tuple(map(frozenset, ({30}, {2}, range(1, 32), range(1, 13), range(7))))
    zone, start = moment
    end = from_datetime(start + timedelta(days=DAYS))

    found = []
    due = next_time(check_rule(text), zone, from_datetime(start))
    while due is not None and due <= end:
        found.append(due)
        due = next_time(check_rule(text), zone, due)

    assert found == [from_datetime(at) for at in oracle(text, numbers, ZoneInfo(zone), start)]


@settings(max_examples=40)
@given(rules(), moments(), st.integers(0, 4_000))
def test_the_last_time_is_the_one_before_the_next(
    rule: tuple[str, tuple[frozenset[int], ...]], moment: tuple[str, datetime], minutes: int
) -> None:
    text, zone = check_rule(rule[0]), moment[0]
    after = from_datetime(moment[1])
    until = after + minutes * 60_000
    due, last = next_time(text, zone, after), None
    while due is not None and due <= until:
        last, due = due, next_time(text, zone, due)

    assert last_time(text, zone, after, until) == last


def test_a_year_of_minutes_is_not_counted_to_find_the_last() -> None:
    last = last_time("* * * * *", "Europe/Berlin", utc("2025-01-01T00:00Z"), utc("2026-01-01T00:00:30Z"))

    assert last == utc("2026-01-01T00:00Z")


@pytest.mark.parametrize(
    ("text", "rule"), [("@daily", "0 0 * * *"), ("@Hourly", "0 * * * *"), (" 0 9 * * mon-fri ", "0 9 * * MON-FRI")]
)
def test_aliases_and_names(text: str, rule: str) -> None:
    assert check_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("61 * * * *", "'61' is no minute"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 0 * * FRI-MON", "'FRI-MON' is no day-of-week"),
        ("0 0 31 2 *", "'31' is no day-of-month"),
        ("0 0 * * FUNDAY", "'FUNDAY' is no day-of-week"),
        ("0 0 * * ²L", "no day-of-week"),
        ("* * * *", "4 fields"),
        ("0 * * * * *", "6 fields"),
        ("@sometimes", "1 fields"),
        ("", "0 fields"),
        ("1," * 5_000 + "1 * * * *", "is no rule"),
        ("*/0 * * * *", "no minute"),
        ("٣ * * * *", "no minute"),
    ],
)
def test_what_is_no_rule_is_told_by_its_field(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_rule(text)


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "", "../etc/passwd", "/etc/localtime", "Europe", "x" * 300, "a\0b"]
)
def test_what_is_no_zone_is_told(name: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        check_zone(name)


def test_the_end_of_time_is_no_error() -> None:
    assert next_time("0 0 1 1 *", "UTC", utc("9999-06-01T00:00Z")) is None
    assert next_times("0 0 1 1 *", "Pacific/Apia", utc("9998-06-01T00:00Z"), 5)


def test_a_rule_in_words() -> None:
    assert rule_in_words("30 6 * * *") == "at 06:30 every day"
    assert rule_in_words("30 2 * * SUN") == "at 02:30 on Sunday"
