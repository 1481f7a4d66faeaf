"""Days and time zones: an activity belongs to its checklist's date, whatever the clock does."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast import JobState
from outlast.core.errors import UsageError
from outlast.jobstate import days, late
from tests.jobstate.places import ACCOUNT, NAMES, TYPE, Clock, json_path, read_json


@pytest.fixture
def system_zone() -> Iterator[None]:
    """Let a test change the system's time zone."""
    before = os.environ.get("TZ")
    yield
    os.environ.pop("TZ", None) if before is None else os.environ.update(TZ=before)
    time.tzset()


def set_zone(name: str) -> None:
    os.environ["TZ"] = name
    time.tzset()


def test_midnight_inside_an_activity_completes_it_on_its_own_day(
    state: JobState, directory: Path, clock: Clock
) -> None:
    clock.to("2025-09-20T23:59:59.900")
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    assert not checklist.is_over

    with checklist.activity("quiz-1"):
        clock.to("2025-09-21T00:00:00.100")
        assert checklist.is_over

    assert read_json(json_path(directory))["completed"] == ["quiz-1"]
    assert checklist.date == "2025-09-20"
    new_day = state.open(ACCOUNT, TYPE, NAMES)
    assert (new_day.date, new_day.remaining, new_day.is_over) == ("2025-09-21", NAMES, False)


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Europe/Berlin", "2025-03-29T22:59:59", "2025-03-29"),
        ("Europe/Berlin", "2025-03-29T23:00:00", "2025-03-30"),
        ("Europe/Berlin", "2025-03-30T21:59:59", "2025-03-30"),  # the day with a gap has 23 hours
        ("Europe/Berlin", "2025-03-30T22:00:00", "2025-03-31"),
        ("Europe/Berlin", "2025-10-25T22:00:00", "2025-10-26"),
        ("Europe/Berlin", "2025-10-26T22:59:59", "2025-10-26"),  # the day with a fold has 25
        ("Europe/Berlin", "2025-10-26T23:00:00", "2025-10-27"),
        ("America/Santiago", "2025-09-07T03:59:59", "2025-09-06"),  # the gap is at midnight: 00:00 does not exist
        ("America/Santiago", "2025-09-07T04:00:00", "2025-09-07"),
        ("America/Havana", "2025-11-02T04:30:00", "2025-11-02"),  # the fold is at midnight: 00:30 twice, one day
        ("America/Havana", "2025-11-02T05:30:00", "2025-11-02"),
        ("Pacific/Apia", "2011-12-30T09:59:59", "2011-12-29"),  # a day that was left out
        ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-31"),
        ("Asia/Kathmandu", "2025-09-19T18:15:00", "2025-09-20"),
        ("Pacific/Kiritimati", "2025-09-20T10:00:00", "2025-09-21"),
    ],
)
def test_the_day_is_that_of_the_zone(system_zone: None, zone: str, moment: str, day: str) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()

    assert days.today(days.zone(zone), now) == day
    set_zone(zone)
    assert days.today(None, now) == day


def test_without_a_zone_it_is_the_systems(system_zone: None, directory: Path, clock: Clock) -> None:
    set_zone("Pacific/Kiritimati")

    state = JobState(dir=directory, clock=clock)

    assert state.timezone is None
    assert state.open(ACCOUNT, TYPE, NAMES).date == "2025-09-21"


def test_another_zone_between_runs_loses_nothing(system_zone: None, directory: Path, clock: Clock) -> None:
    set_zone("UTC")
    JobState(dir=directory, clock=clock).open(ACCOUNT, TYPE, NAMES).complete("quiz-1")
    set_zone("Pacific/Kiritimati")
    away = JobState(dir=directory, clock=clock).open(ACCOUNT, TYPE, NAMES)
    away.complete("poll-1")
    set_zone("UTC")

    back = JobState(dir=directory, clock=clock).open(ACCOUNT, TYPE, NAMES)

    assert (back.date, back.completed) == ("2025-09-20", ["quiz-1"])
    assert (away.date, away.completed) == ("2025-09-21", ["poll-1"])


@pytest.mark.parametrize(
    "jump", ["2025-09-20T11:59:59", "2025-09-18T12:00", "1970-01-01", "2026-09-20", "2038-01-19T04:00"]
)
def test_a_clock_that_jumps_loses_nothing(directory: Path, clock: Clock, jump: str) -> None:
    checklist = JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)
    checklist.complete("quiz-1")
    with checklist.activity("poll-1"):
        clock.to(jump)

    clock.to("2025-09-20T13:00")
    again = JobState(dir=directory, timezone="UTC", clock=clock).open(ACCOUNT, TYPE, NAMES)

    assert again.completed == ["quiz-1", "poll-1"]
    assert list(again.each()) == ["daily-check-in"]


ZONES = {"alice": "Europe/Berlin", "bob": "America/Havana", "carol": "Pacific/Kiritimati"}
FOUR = [*NAMES, "late-news"]
"""As many as there are moments on a day, so that also the one before midnight has something to do."""


def live(directory: Path, clock: Clock, many: int) -> list[str]:
    """Let three accounts do an activity every seven hours; return what stands under another day than it should."""
    states = {account: JobState(dir=directory, timezone=zone, clock=clock) for account, zone in ZONES.items()}
    wanted: dict[tuple[str, str], list[str]] = {}
    begin = datetime(2025, 9, 1, tzinfo=UTC)
    for hour in range(0, many * 24, 7):
        clock.seconds = (begin + timedelta(hours=hour)).timestamp()
        for account, state in states.items():
            day = datetime.fromtimestamp(clock.seconds, ZoneInfo(ZONES[account])).date().isoformat()
            done = wanted.setdefault((account, day), [])
            done.extend(FOUR[len(done) : len(done) + 1])
            checklist = state.open(account, TYPE, FOUR)
            for name in checklist.remaining[:1]:
                with checklist.activity(name):
                    clock.seconds += 1800  # now and then midnight is in between

    late.rewrite_now()
    found = {(account, path.stem[-10:]): read_json(path)["completed"] for account, path in jsons(directory)}
    assert sum(len(names) >= 3 for names in wanted.values()) >= len(ZONES) * (many - 2)
    different = [key for key in wanted.keys() | found.keys() if found.get(key) != wanted.get(key)]
    return sorted(f"{key}: {found.get(key)}, not {wanted.get(key)}" for key in different)


def jsons(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield the JSONs below a directory with their account."""
    return ((path.parent.name, path) for path in directory.glob("*/*.json"))


def test_ninety_days_of_three_accounts(memory_disk: Path, clock: Clock) -> None:
    many = int(os.environ.get("TORTURE_DAYS", "90"))

    assert live(memory_disk, clock, many) == []


def test_a_zone_without_its_changes_is_caught(memory_disk: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    september = datetime(2025, 9, 1, tzinfo=UTC)
    monkeypatch.setattr(
        days, "zone", lambda name: timezone(september.astimezone(ZoneInfo(name)).utcoffset() or timedelta())
    )

    assert {fault[2:5] for fault in live(memory_disk, clock, 90)} == {"ali", "bob"}


@pytest.mark.parametrize(
    "text", ["2025-9-20", "20250920", "2025-W38-6", "2025-02-30", "heute", "", "２０２５-09-20", "x" * 999]
)
def test_what_is_no_date_is_refused(state: JobState, directory: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is no date"):
        state.open(ACCOUNT, TYPE, NAMES, text)

    assert not directory.exists()


def test_a_date_may_be_a_date(state: JobState) -> None:
    assert state.open(ACCOUNT, TYPE, NAMES, date(2024, 2, 29)).date == "2024-02-29"
    assert state.open(ACCOUNT, TYPE, NAMES, "0001-01-01").is_over
    assert not state.open(ACCOUNT, TYPE, NAMES, "9999-12-31").is_over
    with pytest.raises(UsageError):
        state.open(ACCOUNT, TYPE, NAMES, datetime(2024, 2, 29, tzinfo=UTC))
    with pytest.raises(UsageError):
        state.open(ACCOUNT, TYPE, NAMES, 20240229)  # type: ignore[arg-type]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", "\0", "Europe", "x" * 300])
def test_a_zone_that_does_not_exist_is_refused_in_words(directory: Path, zone: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        JobState(dir=directory, timezone=zone)


@pytest.mark.parametrize(
    ("since", "first"),
    [("8w", "2025-07-26"), ("30d", "2025-08-21"), (" 1d ", "2025-09-19"), ("2025-01-01", "2025-01-01")],
)
def test_a_span_of_days_begins_so_long_ago(since: str, first: str) -> None:
    assert days.first_day(since, "2025-09-20") == first


@pytest.mark.parametrize("since", ["8", "w", "8 w", "8h", "-1d", "", "1e3d", "999999d"])
def test_what_is_no_span_is_refused(since: str) -> None:
    with pytest.raises(UsageError, match="neither a span nor a date"):
        days.first_day(since, "2025-09-20")


@given(seconds=st.floats(min_value=0, max_value=4e9), hours=st.integers(-12, 14))
def test_a_time_is_written_as_it_is(seconds: float, hours: int) -> None:
    written = days.utc_text(seconds)

    assert abs(datetime.fromisoformat(written).timestamp() - seconds) < 0.0011
    assert len(written) == 24
    zone = timezone(timedelta(hours=hours))
    assert days.today(zone, seconds) == datetime.fromtimestamp(seconds, zone).date().isoformat()
