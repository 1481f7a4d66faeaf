"""File names for any text: one to one, readable where possible, never outside their directory.

Standard library only.
"""

import re

_KEPT = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@+-_.")
_KEPT_CASE_BLIND = _KEPT - frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PLAIN = re.compile(r"[a-z0-9@+_-][a-z0-9@+_.-]{0,149}\Z")
"""Names that stay as they are on every disk."""
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")
_EMPTY = "%"
_MOST_BYTES = 150
"""Leaves room for a date, an extension and a temporary suffix within the 255 bytes of a file name."""
_DIGEST_DIGITS = 32
_PREFIX_BYTES = _MOST_BYTES - _DIGEST_DIGITS - 1


def safe_file_name(name: str, *, case_blind: bool = False) -> str:
    """Return the file name of `name`: percent-encoded UTF-8 of at most 150 ASCII characters, without a leading dot.

    Different names give different file names, also on a disk that ignores case if `case_blind` says so.
    """
    if _PLAIN.match(name):
        return name
    encoded = _percent_encode(name, _KEPT_CASE_BLIND if case_blind else _KEPT)
    if len(encoded) <= _MOST_BYTES:
        return encoded or _EMPTY
    # No encoded name holds a tilde, so a shortened name equals no other.
    return f"{_whole_escapes(encoded[:_PREFIX_BYTES])}~{_digest(name)}"


def original_name(file_name: str) -> str | None:
    """Return the name that `safe_file_name` made this of; None if it was shortened, or is none of its names."""
    if file_name == _EMPTY:
        return ""
    try:
        name = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), file_name.encode()).decode(
            "utf-8", "surrogatepass"
        )
    except UnicodeError:
        return None
    return name if file_name in (safe_file_name(name), safe_file_name(name, case_blind=True)) else None


def _percent_encode(name: str, kept: frozenset[int]) -> str:
    # surrogatepass gives a lone surrogate bytes that no valid text has.
    raw = name.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in raw)
    return "%2E" + text[1:] if text.startswith(".") else text


def _whole_escapes(prefix: str) -> str:
    cut = prefix.rfind("%", -2)
    return prefix if cut < 0 else prefix[:cut]


def _digest(name: str) -> str:
    import hashlib  # for long names only: it takes a tenth of the time that everything else here takes to import

    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]
