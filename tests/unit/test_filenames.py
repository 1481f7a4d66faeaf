"""File names: one to one, safe, readable where they can be."""

import os
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.filenames import safe_file_name

HOSTILE = [
    *(
        "../../etc/passwd",
        "/etc/x",
        "..",
        ".",
        "",
        " ",
        "   ",
        "-rf",
        "--help",
        "~root",
        "CON",
        "a:b",
        "x.",
        "x ",
        ".x",
    ),
    *("nul\0", "line\nbreak", "tab\t", "esc\x1b[31m", "a" * 255, "a" * 256, "a" * 300, "a" * 10_000, "é" * 128),
    *(
        unicodedata.normalize("NFC", "é"),
        unicodedata.normalize("NFD", "é"),
        "case",
        "Case",
        "CASE",
        "ß",
        "ss",
        "\u212a",
    ),
    *(
        "K",
        "k",
        "zero\u200bwidth",
        "\u202ertl",
        "👩‍👩‍👧‍👦",
        "\ud800",
        "\udfff",
        "<script>",
        "{{7*7}}",
        "%2e%2e%2f",
        "%2E",
        "%",
        "~",
    ),
    *("'; drop table", "$(id)", "=cmd|x", "a/b", "a_b", "a%2Fb", "user@email.com", "a+b", "\\", "*", "?"),
    *("x" * 250 + str(number) for number in range(2000)),
]
SAFE = set(string.ascii_letters + string.digits + "@+-_.%~")


@pytest.mark.parametrize("case_blind", [False, True])
def test_hostile_names_have_their_own_safe_file_each(case_blind: bool) -> None:
    names = [safe_file_name(name, case_blind=case_blind) for name in HOSTILE]

    assert len(set(names)) == len(set(HOSTILE))
    if case_blind:
        assert len({name.lower() for name in names}) == len(set(HOSTILE))
    for name in names:
        assert 1 <= len(name) <= 150
        assert set(name) <= SAFE
        assert not name.startswith(".")


def test_hostile_names_make_files_inside_their_directory(tmp_path: Path) -> None:
    for name in HOSTILE[:60]:
        (tmp_path / safe_file_name(name)).write_text("x")

    assert len(os.listdir(tmp_path)) == len(set(HOSTILE[:60]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user@email.com", "user@email.com"),
        ("daily-set_1.x+y", "daily-set_1.x+y"),
        ("", "%"),
        (".", "%2E"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("a b/é%", "a%20b%2F%C3%A9%25"),
        ("\ud800", "%ED%A0%80"),
        ("Case", "Case"),
    ],
)
def test_ordinary_names_stay_readable(name: str, expected: str) -> None:
    assert safe_file_name(name) == expected


def test_capitals_are_encoded_for_a_disk_that_ignores_case() -> None:
    assert safe_file_name("Case", case_blind=True) == "%43ase"


def test_a_long_name_keeps_a_prefix_and_whole_escapes() -> None:
    plain, escaped = safe_file_name("a" * 151), safe_file_name("é" * 128)

    assert plain.startswith("a" * 100)
    assert len(plain) == 150
    prefix = escaped.partition("~")[0]
    assert len(prefix) % 3 == 0
    assert safe_file_name("a" * 150) == "a" * 150


ANY_TEXT = st.text(alphabet=st.characters()) | st.text(alphabet="aA./%~é\ud800", max_size=6)


@given(one=ANY_TEXT, other=ANY_TEXT, case_blind=st.booleans())
def test_different_names_have_different_files(one: str, other: str, case_blind: bool) -> None:
    names = [safe_file_name(name, case_blind=case_blind) for name in (one, other)]
    if case_blind:
        names = [name.lower() for name in names]

    assert (names[0] == names[1]) == (one == other)
