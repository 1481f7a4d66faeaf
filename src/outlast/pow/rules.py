"""The rules of the proof: pure formulas, no clock, no I/O. Their source is the design's contract on proof of work."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from outlast import OutlastError

PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "struct_build_complete": "BUILD",
        "planet_raid_complete": "RAID",
        "ore_miner_complete": "MINE",
        "ore_refinery_complete": "REFINE",
    }
)
"""The word that stands in the message of each action."""

HASH_DIGITS = 64
"""Hex digits of a SHA-256."""
DEFAULT_RANGE = 14_000
DEFAULT_MAX_ITERATIONS = 1_000_000
YOUNGEST_AGE = 10
"""A search does not begin before this age."""
_LONGEST_NAME = 500
_LARGEST_NUMBER = 2**63 - 1


class WrongPuzzle(OutlastError):
    """A search was described wrongly; nothing was computed."""

    code = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Puzzle:
    """What is to be proved. `target_id` is the planet of a raid, and only a raid has one."""

    action: str
    entity: str
    block_start: int
    target_id: str | None = None

    def __post_init__(self) -> None:
        check_action(self.action)
        _check_name("The entity", self.entity)
        check_number("block_start", self.block_start, 0)
        if self.target_id is not None:
            _check_name("target_id", self.target_id)
            if PREFIXES[self.action] != "RAID":
                raise WrongPuzzle(f"{self.action} has no target.", "Leave target_id out; only a raid has one.")

    @property
    def prefix(self) -> str:
        """The message without its nonce: `{entity}{PREFIX}{block_start}NONCE`; a raid's entity is `fleet@planet`."""
        entity = self.entity if self.target_id is None else f"{self.entity}@{self.target_id}"
        return f"{entity}{PREFIXES[self.action]}{self.block_start}NONCE"


def check_action(action: str) -> None:
    """Raise WrongPuzzle, naming the actions, if this is none."""
    if action not in PREFIXES:
        raise WrongPuzzle(f"{action!r:.80} is no action.", f"Use {', '.join(PREFIXES)}.")


def check_number(name: str, value: int, least: int) -> None:
    """Raise WrongPuzzle unless `value` is a whole number from `least` on."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST_NUMBER:
        raise WrongPuzzle(f"{name} is {value!r:.40}.", f"Use a whole number from {least} on.")


def hash_of(prefix: str, nonce: int) -> str:
    """Return `sha256(prefix + nonce)` as 64 hex digits; the nonce is decimal."""
    return hashlib.sha256(f"{prefix}{nonce}".encode()).hexdigest()


def meets(hash_hex: str, zeros: int) -> bool:
    """Tell whether a hash begins with at least `zeros` hex zeros."""
    return hash_hex.startswith("0" * zeros)


def age_at(height: int, block_start: int) -> int:
    """Return `height − block_start`, in blocks."""
    return height - block_start


def zeros_at(age: int, difficulty_range: int) -> int:
    """Return how many zeros are needed: 64 for age ≤ 1, else `max(1, 64 − ⌊log10(age) / log10(range) · 63⌋)`."""
    if age <= 1:
        return HASH_DIGITS
    return max(1, HASH_DIGITS - math.floor(math.log10(age) / math.log10(difficulty_range) * (HASH_DIGITS - 1)))


def zeros_within(max_iterations: int) -> int:
    """Return the most zeros that are worth trying: the largest n with `16^n ≤ 2 · max_iterations`."""
    return ((2 * max_iterations).bit_length() - 1) // 4


def age_for(zeros: int, difficulty_range: int) -> int:
    """Return the smallest age from YOUNGEST_AGE on at which at most `zeros` (≥ 1) are needed."""
    low, high = YOUNGEST_AGE, max(YOUNGEST_AGE, difficulty_range)
    while low < high:
        middle = (low + high) // 2
        if zeros_at(middle, difficulty_range) <= zeros:
            high = middle
        else:
            low = middle + 1
    return low


def _check_name(what: str, value: str) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_NAME or "\0" in value:
        raise WrongPuzzle(f"{what} is {value!r:.60}.", f"Use text of 1 to {_LONGEST_NAME} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise WrongPuzzle(f"{what} is {value!r:.60}, which is no Unicode text.", "Use letters and digits.") from None
