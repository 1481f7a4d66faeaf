"""Text on a screen: how wide it is, and how foreign text is kept from steering the terminal."""

import re

ELLIPSIS = "…"

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,40}m")
_UNSEEN_IN_LOGS = re.compile(f"{_COLOUR.pattern}|(?![\t\r]){_UNSEEN.pattern}")


def visible(text: str) -> str:
    """Return `text` on one line, with everything that would move the cursor or turn the text round spelled out."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_spelled, text)


def visible_line(line: str) -> str:
    """Return a line of a log: its colours, tabs and carriage returns stay, other control characters are spelled."""
    return _UNSEEN_IN_LOGS.sub(lambda match: match[0] if len(match[0]) > 1 else _spelled(match), line)


def _spelled(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def width_of(text: str) -> int:
    """Return how many columns `text` takes; colours take none."""
    text = _COLOUR.sub("", text)
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if character < "\x7f":
        return 1
    from unicodedata import category, east_asian_width

    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in ("W", "F") else 1


def fit(text: str, width: int) -> str:
    """Return `text` cut to at most `width` columns; a cut is marked with …"""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS if width > 0 else ""


def pad(text: str, width: int) -> str:
    """Return `text` with spaces up to `width` columns."""
    return text + " " * (width - width_of(text))


def wrap(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most `width` columns, broken at spaces where there are some."""
    lines: list[str] = []
    rest = text
    while width_of(rest) > width:
        head = _head(rest, width)
        space = head.rfind(" ")
        cut = space if space > width // 2 else len(head)
        lines.append(rest[:cut].rstrip(" "))
        rest = rest[cut:].lstrip(" ")
    return [*lines, rest]


def _head(text: str, width: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > width:
            return text[: max(index, 1)]
    return text
