"""The query language of the command line, the web and MCP: `status:failed -kind:ping error:"timed out" age:<1d word`.

A field twice means either; different fields, and bare words, must all fit. `-` in front means not. Two bounds of age
in opposite directions make a range.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from outlast.core.durations import parse_duration
from outlast.core.errors import UsageError
from outlast.core.status import Reason, Status

MOST_CHARACTERS = 2_000
MOST_TERMS = 100
"""Each term becomes a condition of the store, whose expressions have a bounded depth."""


class Field(StrEnum):
    STATUS = "status"
    KIND = "kind"
    KEY = "key"
    ACCOUNT = "account"
    LABEL = "label"
    ERROR = "error"
    REASON = "reason"
    QUEUE = "queue"
    AGE = "age"
    WORD = "word"


KNOWN_FIELDS = "status kind key account label.NAME error reason queue age"
_WORDS_OF: dict[Field, list[str]] = {Field.STATUS: list(Status), Field.REASON: list(Reason)}
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)|(")', re.DOTALL)


class AgeBound(NamedTuple):
    """A bound of the time since creation: older than `seconds`, or younger."""

    seconds: float
    older: bool


class Term(NamedTuple):
    """One condition. `label` is the NAME of `label.NAME`; `age` is set for AGE only.

    ERROR and WORD are case-blind substrings (WORD: of id, kind, key, account or error), the others exact.
    """

    field: Field
    value: str
    label: str = ""
    negated: bool = False
    age: AgeBound | None = None


class Query(NamedTuple):
    """What jobs are looked for. `unfinished_or_since_seconds` keeps unfinished jobs and those created since then."""

    terms: tuple[Term, ...] = ()
    unfinished_or_since_seconds: float | None = None


def parse_query(text: str) -> Query:
    """Return the query of `text`; the empty text matches every job. Raise UsageError, naming what is known."""
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"The query has {len(text):,} characters; the most is {MOST_CHARACTERS:,}.", "Shorten it.")
    if "\0" in text or not _is_unicode(text):
        raise UsageError("The query holds a NUL or text that is not valid Unicode.", "Remove it.")
    tokens = _tokens(text)
    if len(tokens) > MOST_TERMS:
        raise UsageError(f"The query has {len(tokens)} terms; the most is {MOST_TERMS}.", "Shorten it.")
    return Query(terms=tuple(_placed(token) for token in tokens))


class _Token(NamedTuple):
    """A term as it was written: its text before a quote, all of it with the quotes taken off, and where it begins."""

    bare: str
    whole: str
    place: int


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    end = -1
    quoted = False
    for match in _PIECE.finditer(text):
        if match[3]:
            raise _at(match.start(), UsageError("A quote is not closed.", 'Close it with ".'))
        opened = match[1] is not None
        piece = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL) if opened else match[2]
        if tokens and match.start() == end:
            last = tokens.pop()
            bare = last.bare + ("" if quoted or opened else piece)
            tokens.append(_Token(bare=bare, whole=last.whole + piece, place=last.place))
        else:
            tokens.append(_Token(bare="" if opened else piece, whole=piece, place=match.start()))
            quoted = False
        quoted = quoted or opened
        end = match.end()
    return tokens


def _at(place: int, error: UsageError) -> UsageError:
    """Return the error with the place in the query that it is about; people count from 1."""
    return UsageError(f"{error.message.removesuffix('.')}, at character {place + 1} of the query.", error.fix)


def _placed(token: _Token) -> Term:
    try:
        return _term(token)
    except UsageError as error:
        raise _at(token.place, error) from None


def _term(token: _Token) -> Term:
    negated = len(token.whole) > 1 and token.bare.startswith("-")
    start = 1 if negated else 0
    name, colon, _ = token.bare[start:].partition(":")
    if not colon:
        return Term(field=Field.WORD, value=token.whole[start:], negated=negated)
    value = token.whole[start + len(name) + 1 :]
    field, label = _field(name, token.whole)
    if not value:
        raise UsageError(f"{name}: has no value.", f"Write it like {name}:VALUE.")
    if field is Field.AGE:
        return Term(field=field, value=value, negated=negated, age=_age(value))
    if field in _WORDS_OF and value not in _WORDS_OF[field]:
        raise UsageError(
            f"{value!r:.60} is no {field}.", f"{_guess(value, _WORDS_OF[field])}{_known(_WORDS_OF[field])}"
        )
    return Term(field=field, value=value, label=label, negated=negated)


def _field(name: str, whole: str) -> tuple[Field, str]:
    if name.startswith("label.") and len(name) > len("label."):
        return Field.LABEL, name.removeprefix("label.")
    if name in KNOWN_FIELDS.split():
        return Field(name), ""
    known = KNOWN_FIELDS.split()
    guess = _guess(name.partition(".")[0], [word.removesuffix(".NAME") for word in known]).replace(
        "label?", "label.NAME?"
    )
    raise UsageError(
        f"{name!r:.60} is no field.",
        f'{guess}{_known(known)} To search for the text itself, quote it: "{whole:.60}".',
    )


def _known(words: Sequence[str]) -> str:
    return f"Known: {' '.join(words)}."


def _guess(word: str, known: Sequence[str]) -> str:
    """Return `Did you mean status? ` where one of the known words is near."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=1)
    return f"Did you mean {near[0]}? " if near else ""


def _age(value: str) -> AgeBound:
    match = re.fullmatch(r"([<>])=?(.+)", value, re.DOTALL)
    if match is None:
        raise UsageError(
            f"age:{value:.40} has no direction.", "Write age:<1d for younger or age:>1d for older than a day."
        )
    return AgeBound(seconds=parse_duration(match[2]), older=match[1] == ">")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
