"""Names of jobs: kinds and ids."""

import re

from outlast.core.errors import UsageError
from outlast.core.moments import Moment

_KIND = re.compile(r"[A-Za-z0-9_.-]{1,100}\Z")
_ID = re.compile(r"(.+)_([0-9]{1,15})_([0-9a-f]{16})\Z", re.DOTALL)


def check_kind(kind: str) -> str:
    """Return `kind`; raise UsageError unless it is 1 to 100 of A-Z a-z 0-9 _ . -"""
    if not isinstance(kind, str) or not _KIND.match(kind):
        raise UsageError(f"{kind!r:.120} is not a kind.", "A kind is 1 to 100 of the characters A-Z a-z 0-9 _ . -")
    return kind


def make_id(kind: str, now: Moment, random_part: bytes) -> str:
    """Return `<kind>_<epoch ms>_<16 hex digits>`; `random_part` is 8 random bytes."""
    return f"{kind}_{now}_{random_part.hex()}"


def split_id(job_id: str) -> tuple[str, Moment, str] | None:
    """Return (kind, moment of submission, random part), or None for an id of another form (imported)."""
    match = _ID.match(job_id)
    return (match[1], int(match[2]), match[3]) if match else None
