"""Keeping secrets off the screen."""

import re

MASK = "•••"
_IN_URL = re.compile(r"(\w[\w+.-]*://[^:/?#\s]*:)\S*@")
_IN_QUERY = re.compile(r"([?&\s](?:[\w-]*(?:password|passwd|secret|token|api_?key))=)[^&\s]+", re.IGNORECASE)


def masked_url(text: str) -> str:
    """Return `text` without the passwords of the URLs in it."""
    return _IN_QUERY.sub(rf"\1{MASK}", _IN_URL.sub(rf"\1{MASK}@", text))


def masked(text: str, *, secret: bool) -> str:
    """Return `text` as it may be shown; of a secret only a URL's harmless parts are left."""
    if secret and text and "://" not in text:
        return MASK
    return masked_url(text)
