"""Moments are whole milliseconds and look like `2025-01-01T12:00:00.000Z`."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.moments import from_datetime, from_iso, to_iso

NOON = 1_735_732_800_000


class Nowhere(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    def dst(self, _: datetime | None) -> None:
        return None

    def tzname(self, _: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2025-01-01T12:00:00.000Z"),
        (NOON + 7, "2025-01-01T12:00:00.007Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (2**31 * 1000, "2038-01-19T03:14:08.000Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_written_with_milliseconds_and_z(moment: int, text: str) -> None:
    assert to_iso(moment) == text
    assert from_iso(text) == moment


@given(st.datetimes(timezones=st.timezones()))
def test_what_is_written_reads_back_to_the_millisecond(at: datetime) -> None:
    try:
        moment = from_datetime(at)
    except UsageError:
        assert at.year in (1, 9999)
        return

    assert from_iso(to_iso(moment)) == moment
    assert timedelta(0) <= at - datetime.fromisoformat(to_iso(moment)) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-01T12:00:00Z",
        "2025-01-01T12:00:00",
        "2025-01-01 12:00:00.000",
        "2025-01-01T14:00:00+02:00",
        "2025-01-01T06:30:00-05:30",
        "20250101T120000Z",
        "2025-01-01T12:00:00.000999Z",
    ],
)
def test_other_ways_to_write_the_same_time_are_read(text: str) -> None:
    assert from_iso(text) == NOON


@pytest.mark.parametrize(
    "text", ["", "now", "2025-13-01", "2025-02-30T00:00:00Z", "1735732800000", "2025-01-01T25:00Z", "\0", "x" * 10_000]
)
def test_what_is_no_time_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time") as caught:
        from_iso(text)

    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, b"2025-01-01"])
def test_what_is_no_text_is_no_time(value: object) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        from_iso(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_could_not_be_shown_in_utc_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="years 1 to 9999"):
        from_iso(text)


@pytest.mark.parametrize("zone", [None, Nowhere()])
def test_a_time_without_a_zone_is_refused(zone: tzinfo | None) -> None:
    naive = datetime(2025, 1, 1, 12, tzinfo=zone)

    with pytest.raises(UsageError, match="no time zone"):
        from_datetime(naive)


def test_the_moment_of_a_datetime_does_not_depend_on_its_zone() -> None:
    here = datetime(2025, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))

    assert from_datetime(here) == from_datetime(here.astimezone(UTC)) == NOON


def test_the_two_half_past_twos_of_an_autumn_night_differ() -> None:
    before, after = from_iso("2025-10-26T02:30:00+02:00"), from_iso("2025-10-26T02:30:00+01:00")

    assert after - before == 3_600_000
