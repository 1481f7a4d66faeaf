"""Which failures are the same failure: an error without what differs from one time to the next."""

import re
from functools import cache

from outlast.core.digests import sha256

_MOST_CHARACTERS = 200
_MOST_LOOKED_AT = 1000
_CODE_DIGITS = 8
_EXIT_CODE = re.compile(r"exit code \d{1,3}")
_LETTER = "[0-9A-Za-z]"
_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DIGEST = "(?=[0-9a-f]*[0-9])[0-9a-fA-F]{16,}|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{7,}"


@cache
def _parts() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what is replaced by what; made at the first failure, because most commands meet none."""
    return (
        # Quotes begin and end at a word's edge; an apostrophe inside a word is none.
        (re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`"), "'…'"),
        # Not inside a longer word; but an underscore, which joins the parts of an id, is no letter here.
        (re.compile(rf"0x[0-9a-fA-F]+|(?<!{_LETTER})(?:{_UUID}|{_DIGEST})(?!{_LETTER})"), "…"),
        (re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), "…@…"),
        (re.compile(r"\d+(?:[.,:]\d+)*"), "#"),
        (re.compile(r"\s+"), " "),
    )


def error_group(error: str) -> str:
    """Return the first line of an error with what names one case replaced; at most 200 characters.

    Replaced are numbers, times, hex digits, UUIDs, quoted text and mail addresses. An exit code says what happened,
    and stays.
    """
    text = error.strip()[:_MOST_LOOKED_AT].partition("\n")[0]
    if _EXIT_CODE.fullmatch(text):
        return text
    for pattern, word in _parts():
        text = pattern.sub(word, text)
    return text[:_MOST_CHARACTERS].strip()


def group_code(group: str) -> str:
    """Return the eight hex digits by which a person names a group."""
    return sha256(group.encode("utf-8", "surrogatepass")).hex()[:_CODE_DIGITS]
