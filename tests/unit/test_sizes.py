"""Sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512_000_000),
        ("2GB", 2_000_000_000),
        ("1GiB", 1 << 30),
        ("1.5 gb", 1_500_000_000),
        (" 64kib ", 65_536),
        ("1TB", 10**12),
        ("700", 700),
        ("700B", 700),
        (1_000, 1_000),
    ],
)
def test_a_size_reads_as_written(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "value",
    [
        "",
        "MB",
        "1M",
        "1 M B",
        "-1MB",
        "1e3MB",
        "0",
        "0.1B",
        "1PB",
        "9" * 30,
        "1MB2",
        "nan",
        0,
        -1,
        2**70,
        True,
        None,
        1.5,
    ],
)
def test_what_is_no_size_is_refused(value: str | int) -> None:
    with pytest.raises(UsageError):
        parse_size(value)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (1_524, "1.52 kB"),
        (512_000_000, "512 MB"),
        (623_400_000, "623 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1 GB"),
        (2_000_000_000, "2 GB"),
        (10**15, "1000 TB"),
    ],
)
def test_a_size_is_shown_in_the_unit_that_fits(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(1, 10**15))
def test_what_is_shown_reads_back_as_nearly_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == pytest.approx(size, rel=0.006)
