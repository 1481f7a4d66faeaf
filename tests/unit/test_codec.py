"""JSON, strictly: what goes in comes out equal, or is refused with the place that offends."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.codec import MAX_BYTES, MAX_DEPTH, canonical, decode, encode
from outlast.core.errors import NotStorable, UsageError

WHOLE_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WHOLE_TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(WHOLE_TEXT, inner), max_leaves=30)


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Unspeakable:
    """A value that must not be asked for its text."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@given(VALUES)
def test_what_goes_in_comes_out_equal(value: Any) -> None:
    text = encode(value, "args")

    assert decode(text) == value
    assert json.loads(text) == value
    assert "\n" not in text


@given(st.dictionaries(WHOLE_TEXT, SCALARS, min_size=2))
def test_the_canonical_text_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))

    assert canonical(value) == canonical(turned)
    assert decode(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, (2,)), "[1,[2]]"),
        (Point(1, 2), "[1,2]"),
        (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
        (Colour.RED, '"red"'),
        (Level.HIGH, "3"),
        (True, "true"),
        ("é€😀\0", '"é€😀\\u0000"'),
        (2**64, "18446744073709551616"),
        (-0.0, "-0.0"),
    ],
)
def test_what_is_nearly_json_is_stored_as_json(value: Any, text: str) -> None:
    assert encode(value, "args") == text


HOSTILE: list[tuple[str, Callable[[], Any], str]] = [
    ("lambda", lambda: lambda: None, "is a function"),
    ("closure", lambda: nested, "is a function"),
    ("generator", lambda: (n for n in [1]), "is a generator"),
    ("NaN", lambda: float("nan"), "is nan"),
    ("infinity", lambda: float("-inf"), "is -inf"),
    ("bytes", lambda: b"x", "is a bytes"),
    ("datetime", lambda: datetime.now(UTC), "is a datetime"),
    ("Decimal", lambda: Decimal("1.5"), "is a Decimal"),
    ("set", lambda: {1}, "is a set"),
    ("complex", lambda: 1j, "is a complex"),
    ("range", lambda: range(3), "is a range"),
    ("lock", threading.Lock, "is a lock"),
    ("class", lambda: Point, "is a type"),
    ("exception", lambda: ValueError("x"), "is a ValueError"),
    ("unspeakable", Unspeakable, "is a Unspeakable"),
    ("int key", lambda: {1: "x"}, "key that is a int"),
    ("None key", lambda: {None: "x"}, "key that is a NoneType"),
    ("unspeakable key", lambda: {Unspeakable(): "x"}, "key that is a Unspeakable"),
    ("5,000 digits", lambda: 10**5000, "more than 4,300 digits"),
    ("too deep", lambda: nested(MAX_DEPTH + 2), "nested deeper than 200 levels"),
    ("100,000 deep", lambda: nested(100_000), "nested deeper than 200 levels"),
    ("endless", endless, "nested deeper than 200 levels"),
]


@pytest.mark.parametrize(("make", "words"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_what_json_does_not_have_is_refused_with_its_place(make: Callable[[], Any], words: str) -> None:
    value = {"urls": ["fine", {"inner": make()}]}

    with pytest.raises(NotStorable) as caught:
        encode(value, "args")

    message = str(caught.value)
    assert message.startswith("args.urls[1].inner")
    assert words in message
    assert caught.value.fix
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "\ud800", "lone surrogate"),
        (lambda: {"\udfff": 1}, "lone surrogate"),
        (lambda: "x" * MAX_BYTES, "16,777,218 bytes of JSON; the most is 16,777,216"),
        (lambda: "é" * (MAX_BYTES // 2), "16,777,218 bytes of JSON"),
        (lambda: "\0" * (MAX_BYTES // 4), "bytes of JSON"),
    ],
    ids=["value", "key", "ascii", "two bytes each", "escapes"],
)
def test_text_that_cannot_be_stored_is_refused(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(NotStorable, match=f"^The result .*{words}"):
        encode(make(), "The result")


@pytest.mark.parametrize("key", ["a b", "\ud800", "\n", "x" * 10_000, "it's", ""])
def test_a_place_below_an_odd_key_still_is_one_short_line_of_text(key: str) -> None:
    with pytest.raises(NotStorable) as caught:
        encode({key: {1}}, "args")

    message = str(caught.value)
    assert message.startswith("args[")
    assert "\n" not in message
    assert len(message) < 300
    assert message.encode()


@pytest.mark.parametrize("value", [nested(MAX_DEPTH + 1), "x" * (MAX_BYTES - 2), 10**4299, -(10**4299)])
def test_the_most_that_is_allowed_is_stored(value: Any) -> None:
    assert decode(encode(value, "args")) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "{",
        "{'a': 1}",
        "[1,]",
        "[1] 2",
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "1e999",
        "[-1e999]",
        "9" * 400 + ".5",
        "1" + "0" * 5000,
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
        "\ufeff{}",
        '"\n"',
        "\0",
    ],
    ids=lambda text: f"{text!r:.20}",
)
def test_what_is_not_json_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--args is (not JSON|nested too deeply)") as caught:
        decode(text, "--args")

    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize("value", [None, 5, ["[]"]])
def test_what_is_no_text_is_not_json(value: Any) -> None:
    with pytest.raises(UsageError, match="is not JSON"):
        decode(value)


def test_a_lone_surrogate_that_json_can_spell_is_not_stored_again() -> None:
    value = decode('"\\ud800"')

    with pytest.raises(NotStorable):
        encode(value, "args")
