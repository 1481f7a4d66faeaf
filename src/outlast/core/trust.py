"""Whether the clock can be believed: what is old by a clock that has jumped may be an hour old.

A clock is known by its distance from the time since boot, which nothing sets. One that jumps by more than an hour is
believed again when it has jumped back, or when it has stayed where it is for an hour: by then somebody meant it, or
whatever sets clocks has mended it.
"""

from dataclasses import dataclass, replace

from outlast.core.moments import Moment

JUMP_MS = 3_600_000
STEADY_MS = 3_600_000
LONGEST_GAP_MS = 24 * 3_600_000
"""At the first look after a boot nothing tells how long the machine was off; up to a day after the last end of a job
the clock is believed at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The clock, and the milliseconds since a boot, sleep included."""

    boot: str
    wall: Moment
    up: int

    @property
    def distance(self) -> int:
        """The moment of the boot, if the clock is right."""
        return self.wall - self.up


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is known of the clock since a boot: the distance that is believed (None: none yet), the one that was seen
    last, and since when, in milliseconds since that boot."""

    boot: str
    believed: int | None
    seen: int
    since: int

    @property
    def holds(self) -> bool:
        """True if the clock, as it was seen last, is believed."""
        return self.believed is not None and _near(self.believed, self.seen)


def look(before: Trust | None, now: Reading, last_end: Moment | None) -> Trust:
    """Return what is known after another look at the clock; `before` itself if that is nothing new.

    `last_end` is the newest end of a job, which a right clock cannot be far behind.
    """
    if before is None or before.boot != now.boot:
        plausible = last_end is None or -JUMP_MS <= now.wall - last_end <= LONGEST_GAP_MS
        return Trust(boot=now.boot, believed=now.distance if plausible else None, seen=now.distance, since=now.up)
    known = before
    if not _near(known.seen, now.distance):
        known = replace(known, seen=now.distance, since=now.up)
    if not known.holds and now.up - known.since >= STEADY_MS:
        known = replace(known, believed=known.seen)
    return known


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= JUMP_MS
