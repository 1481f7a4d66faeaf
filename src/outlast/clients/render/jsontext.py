"""JSON for a stream that may be a terminal."""

import json
import re
from typing import TextIO

_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
"""What JSON leaves as it is, but a terminal obeys."""


def json_text(value: object, stream: TextIO | None, indent: int | None = None) -> str:
    """Return JSON that `stream` can hold and no terminal obeys."""
    ascii_only = stream is None or (stream.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
