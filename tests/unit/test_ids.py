"""Kinds and ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.ids import check_kind, make_id, split_id

KINDS = st.text("abcXYZ019_.-", min_size=1, max_size=100)
RANDOM = bytes.fromhex("9f2c41d07ab35e68")


@pytest.mark.parametrize("kind", ["pow", "command", "_main", "a.b-c_d", "X" * 100, "0"])
def test_a_kind_is_taken_as_it_is(kind: str) -> None:
    assert check_kind(kind) == kind


@pytest.mark.parametrize(
    "kind",
    [
        "",
        " ",
        "a b",
        "a/b",
        "../x",
        "a\n",
        "a\0",
        "é",
        "a\u0301",
        "\u212a",
        "١",
        "$(id)",
        "<script>",
        "a:b",
        "\ud800",
        "x" * 101,
        "x" * 10_000,
        None,
        5,
        b"pow",
        ["pow"],
    ],
)
def test_a_kind_of_other_characters_is_refused_in_one_short_line(kind: object) -> None:
    with pytest.raises(UsageError, match="is not a kind") as caught:
        check_kind(kind)  # type: ignore[arg-type]

    message = str(caught.value)
    assert len(message) < 250
    assert "\n" not in message
    assert message.encode()


def test_an_id_is_kind_moment_and_sixteen_hex_digits() -> None:
    assert make_id("pow", 1_735_732_800_000, RANDOM) == "pow_1735732800000_9f2c41d07ab35e68"


@given(kind=KINDS, now=st.integers(0, 10**15 - 1), random_part=st.binary(min_size=8, max_size=8))
def test_an_id_comes_apart_into_what_it_was_made_of(kind: str, now: int, random_part: bytes) -> None:
    assert split_id(make_id(kind, now, random_part)) == (kind, now, random_part.hex())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pow",
        "pow_1735732800000",
        "pow_1735732800000_9f2c41d07ab35e6",
        "pow_1735732800000_9F2C41D07AB35E68",
        "pow_1735732800000_9f2c41d07ab35e68\n",
        "_1735732800000_9f2c41d07ab35e68",
        "pow__9f2c41d07ab35e68",
        "pow_٣_9f2c41d07ab35e68",
        "pow_-1_9f2c41d07ab35e68",
        "job-7",
    ],
)
def test_an_id_of_another_form_has_no_parts(text: str) -> None:
    assert split_id(text) is None
