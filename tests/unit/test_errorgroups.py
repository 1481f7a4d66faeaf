"""Error groups: the same failure has the same words, whatever it happened to."""

import pytest

from outlast.core.errorgroups import error_group, group_code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTPError: 503 for https://a/1", "HTTPError: 500 for https://a/2"),
        ("KeyError: 'alice'", "KeyError: 'bob'"),
        ("OSError: <Socket at 0x7f2b29c99810>", "OSError: <Socket at 0x55d0c8>"),
        ("no job 0d9f2c41-d07a-4b35-9e68-000000000001", "no job 1d9f2c41-d07a-4b35-9e68-00000000000f"),
        ("ValueError: bad\nline 2", "ValueError: bad\nline 3"),
        ("timed  out after 1.5 s", "timed out after 30 s"),
        ("no job mirror_1735732800000_9f2c41d07ab35e68", "no job mirror_1735732800999_07ab35e689f2c41d"),
        ("can't open file 'x' of alice", "can't open file 'yy' of alice"),
        ("commit 9f2c41d is bad", "commit 07ab35e is bad"),
        ("alice@example.org was refused", "bob@mail.example.com was refused"),
        ("at 12:30:15, 1,234 rows", "at 01:02:03, 7 rows"),
        ('no column `a` in "t"', 'no column `b` in "u"'),
    ],
)
def test_failures_that_differ_in_details_are_one_group(one: str, other: str) -> None:
    assert error_group(one) == error_group(other)


def test_different_failures_are_different_groups() -> None:
    assert error_group("ValueError: bad") != error_group("TypeError: bad")
    assert error_group("exit code 3") != error_group("exit code 137")
    assert error_group("the deadbeef facade") != error_group("the defaced facade")


HOSTILE = ["", "\n", "x" * 1_000_000, "'" * 1_000_000, "0x" * 100_000, "é" * 1000, "a@" * 900, "@a.a" * 900, "\ud800"]


@pytest.mark.parametrize("error", HOSTILE)
def test_any_error_has_a_short_group_and_a_code(error: str) -> None:
    assert len(error_group(error)) <= 200
    assert len(group_code(error_group(error))) == 8
