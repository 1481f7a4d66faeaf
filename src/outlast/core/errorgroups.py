"""Which failures are the same failure: an error without what differs from one time to the next."""

import re

_MOST_CHARACTERS = 200
_MOST_LOOKED_AT = 1000
_PARTS = (
    (re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b[0-9a-fA-F]{16,}\b"), "…"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "'…'"),
    (re.compile(r"\d+(?:\.\d+)?"), "#"),
    (re.compile(r"\s+"), " "),
)


def error_group(error: str) -> str:
    """Return the first line of an error with numbers, hex digits and quoted text replaced; at most 200 characters."""
    text = error.strip()[:_MOST_LOOKED_AT].partition("\n")[0]
    for pattern, word in _PARTS:
        text = pattern.sub(word, text)
    return text[:_MOST_CHARACTERS].strip()
