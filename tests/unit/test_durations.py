"""Durations as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.durations import format_duration, parse_duration
from outlast.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("10m", 600),
        ("1h", 3600),
        ("7d", 604_800),
        ("1h30m", 5400),
        (" 1h 30m ", 5400),
        ("1.5h", 5400),
        ("1m500ms", 60.5),
        ("0s", 0),
        (30, 30),
        (0.25, 0.25),
    ],
)
def test_a_duration_reads_as_written(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", " ", "10", "s", "h1", "-5s", "+5s", "5 seconds", "1e3s", "1.5.5s", "1,5s", ".5s", "1S", "٣s", "nan", "1s\0"],
)
def test_other_text_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(UsageError, match="500ms, 30s, 10m, 1h or 7d"):
        parse_duration(text)


@pytest.mark.parametrize(
    "value",
    [-1, -0.001, float("nan"), float("inf"), float("-inf"), 10**400, -(10**5000), "36601d", "9" * 400 + "s"],
    ids=["-1", "-0.001", "nan", "inf", "-inf", "10^400", "-10^5000", "36601d", "400 digits"],
)
def test_a_length_that_cannot_be_meant_is_refused_in_one_short_line(value: str | float) -> None:
    with pytest.raises(UsageError, match="between 0 and 100 years") as caught:
        parse_duration(value)

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [True, None, b"1s", [1], {"s": 1}])
def test_what_is_neither_text_nor_number_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (-3, "0ms"),
        (0.34, "340ms"),
        (0.9994, "999ms"),
        (0.9996, "1.0s"),
        (4.24, "4.2s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (252, "4m 12s"),
        (3599.7, "1h"),
        (3900, "1h 5m"),
        (3659, "1h"),
        (86_400, "1d"),
        (266_400, "3d 2h"),
        (400 * 86_400, "400d"),
    ],
)
def test_a_duration_is_shown_in_at_most_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(0, 100 * 365 * 86_400))
def test_what_is_shown_reads_back_as_nearly_the_same(seconds: float) -> None:
    shown = format_duration(seconds)

    assert len(shown.split()) <= 2
    assert parse_duration(shown) == pytest.approx(seconds, rel=0.05, abs=0.0006)
