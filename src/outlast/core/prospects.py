"""What decides, besides a job itself, whether and when it goes on."""

from dataclasses import dataclass

from outlast.core.figures import FailureGroup
from outlast.core.moments import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who supervises a store. `pid` and `since` are None where nobody says so; only `lives` is a fact of now.

    `may_start` tells whether commands may start one (OUTLAST_AUTOSTART).
    """

    lives: bool
    may_start: bool = True
    pid: int | None = None
    since: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospects:
    """Facts about one job's surroundings at the moment `now`.

    `process_lives` is of the process that runs it, None if none does. `ahead` counts the queued jobs before it, None
    if it is not queued; `running` those that run. `code_fault` says why a process could not find its code, empty if
    nothing speaks against it. `alike` are the failures with the same error. `has_log` tells whether it wrote anything.
    """

    now: Moment
    office: Office
    process_lives: bool | None = None
    ahead: int | None = None
    running: int = 0
    code_fault: str = ""
    alike: FailureGroup | None = None
    has_log: bool = False
