"""What an examination found: each check says how it is, and what mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says, in a sentence; `fix` is the next step.

    `mendable`: `outlast doctor --repair` takes that step. `unusable`: no command can work with this store.
    """

    name: str
    level: Level
    says: str
    fix: str = ""
    mendable: bool = False
    unusable: bool = False


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 if all is well, 1 if something was found, 2 for a store that cannot be used."""
    if any(finding.unusable for finding in findings):
        return 2
    return int(any(finding.level is not Level.OK for finding in findings))


def worst(findings: Sequence[Finding]) -> Level:
    """Return the worst level among the findings."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)
