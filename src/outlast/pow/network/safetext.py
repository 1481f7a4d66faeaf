"""Texts of strangers (servers, databases), made fit for an error or a job object."""

import unicodedata
from collections.abc import Iterable

MASK = "***"
_NEVER_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control and format characters (they move the cursor or turn the writing round), surrogates, and unknown ones."""


def one_line(text: str, most: int = 200) -> str:
    """Return at most `most` characters of a text on one line, with nothing in it that cannot be seen."""
    begin = text[: 4 * most]
    seen = "".join(" " if unicodedata.category(letter) in _NEVER_SHOWN else letter for letter in begin)
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return the text with every secret in it masked."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
