"""The query language: what is read, what is refused, and with which mend."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.core.errors import UsageError
from outlast.core.query import KNOWN_FIELDS, MOST_CHARACTERS, MOST_TERMS, AgeBound, Field, Query, Term, parse_query


def terms(text: str) -> list[tuple[str, str, bool]]:
    return [(str(term.field), term.value, term.negated) for term in parse_query(text).terms]


def test_every_field_of_the_language_is_read() -> None:
    query = parse_query("status:failed kind:pow error:Timeout account:alice key:x queue:slow reason:crash word")

    assert [(term.field, term.value) for term in query.terms] == [
        (Field.STATUS, "failed"),
        (Field.KIND, "pow"),
        (Field.ERROR, "Timeout"),
        (Field.ACCOUNT, "alice"),
        (Field.KEY, "x"),
        (Field.QUEUE, "slow"),
        (Field.REASON, "crash"),
        (Field.WORD, "word"),
    ]
    assert not any(term.negated for term in query.terms)


def test_a_label_has_a_name() -> None:
    assert parse_query("label.env:prod").terms == (Term(field=Field.LABEL, value="prod", label="env"),)
    assert parse_query("-label.a.b:c").terms == (Term(field=Field.LABEL, value="c", label="a.b", negated=True),)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("age:<1d", AgeBound(seconds=86400.0, older=False)),
        ("age:>1h30m", AgeBound(seconds=5400.0, older=True)),
        ("age:<=500ms", AgeBound(seconds=0.5, older=False)),
        ("age:>=2s", AgeBound(seconds=2.0, older=True)),
    ],
)
def test_an_age_is_a_bound(text: str, bound: AgeBound) -> None:
    assert [term.age for term in parse_query(text).terms] == [bound]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \t\n ", []),
        ("-kind:ping", [("kind", "ping", True)]),
        ("-word", [("word", "word", True)]),
        ("-", [("word", "-", False)]),
        ("--", [("word", "-", True)]),
        ("a  b", [("word", "a", False), ("word", "b", False)]),
        ('error:"timed out"', [("error", "timed out", False)]),
        ('"two words"', [("word", "two words", False)]),
        ('-"two words"', [("word", "two words", True)]),
        ('"-kind:ping"', [("word", "-kind:ping", False)]),
        ('"mirror:2025-09-20"', [("word", "mirror:2025-09-20", False)]),
        ("key:mirror:2025", [("key", "mirror:2025", False)]),
        (r'"a \"b\" \\ c"', [("word", r'a "b" \ c', False)]),
        ('key:a"b c"d', [("key", "ab cd", False)]),
        ('x"y z"w k', [("word", "xy zw", False), ("word", "k", False)]),
        ('a "b" c', [("word", "a", False), ("word", "b", False), ("word", "c", False)]),
        ("ÉTÉ 😀", [("word", "ÉTÉ", False), ("word", "😀", False)]),
        (
            "'; drop table jobs",
            [("word", "';", False), ("word", "drop", False), *[("word", w, False) for w in ("table", "jobs")]],
        ),
    ],
)
def test_words_quotes_and_signs(text: str, expected: list[tuple[str, str, bool]]) -> None:
    assert terms(text) == expected


def test_an_unknown_field_names_the_known_ones_and_how_to_search_for_the_text() -> None:
    with pytest.raises(UsageError) as caught:
        parse_query("mirror:2025")

    assert KNOWN_FIELDS in caught.value.fix
    assert '"mirror:2025"' in caught.value.fix


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("status:done", 1, "Known: queued"),
        ("kind:a  status:complete", 9, "Did you mean completed?"),
        ("statis:failed", 1, "Did you mean status?"),
        ("a -lable.env:prod", 3, "Did you mean label.NAME?"),
        ('kind:a "not closed', 8, 'Close it with ".'),
        ('kind:a error:"not closed', 14, 'Close it with ".'),
        ("kind:a age:<soon", 8, "500ms, 30s, 10m, 1h or 7d"),
        ("kind:a age:1d", 8, "age:<1d"),
        ("ÉTÉ kind:", 5, "kind:VALUE"),
        ("reason:oom", 1, "out_of_memory"),
    ],
)
def test_an_error_names_its_place_and_its_mend(text: str, place: int, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_query(text)

    assert caught.value.message.endswith(f", at character {place} of the query.")
    assert words in caught.value.fix


def test_an_error_about_a_long_term_is_short() -> None:
    with pytest.raises(UsageError) as caught:
        parse_query("x" * 900 + ":" + "y" * 900)

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["status:done", "status:Failed", "-status:x"])
def test_an_unknown_status_names_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match="queued running waiting completed failed cancelled"):
        parse_query(text)


def test_an_unknown_reason_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="out_of_memory"):
        parse_query("reason:oom")


@pytest.mark.parametrize(
    "text",
    [
        "status:",
        "-kind:",
        'key:""',
        "label.:x",
        "label:x",
        "word:x",
        "age:1d",
        "age:<",
        "age:<x",
        "age:<-1d",
        'error:"not closed',
        '"',
        "nul\0",
        "lone \ud800",
        "x" * (MOST_CHARACTERS + 1),
        "x " * (MOST_TERMS + 1),
    ],
)
def test_what_is_no_query_is_refused_in_words(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_query(text)

    assert caught.value.fix


def test_a_query_of_the_largest_size_is_read() -> None:
    assert len(parse_query("x " * MOST_TERMS).terms) == MOST_TERMS
    assert parse_query("x" * MOST_CHARACTERS).terms[0].value == "x" * MOST_CHARACTERS


@given(text=st.text())
def test_any_text_is_a_query_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse_query(text), Query)


@given(word=st.text(alphabet=st.characters(exclude_characters='"\\\0', exclude_categories=["Cs"]), min_size=1))
def test_a_quoted_text_is_searched_for_as_it_is(word: str) -> None:
    assert terms(f'"{word}"') == [("word", word, False)]
