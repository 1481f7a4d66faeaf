"""Moments by two clocks, so that a wall clock somebody sets back or forth does not make blocks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Epoch seconds, and the seconds since a boot that `boot` names (empty where the system does not tell)."""

    wall: float
    since_boot: float
    boot: str

    def seconds_since(self, earlier: "Moment") -> float:
        """Return the seconds from `earlier` to here, by the clock nobody can set if both belong to one boot.

        Negative if the wall clock was set back over a reboot, or `earlier` was made up.
        """
        if self.boot and self.boot == earlier.boot:
            return self.since_boot - earlier.since_boot
        return self.wall - earlier.wall


Clock = Callable[[], Moment]


def now() -> Moment:
    """Return this moment."""
    return Moment(wall=time.time(), since_boot=_since_boot(), boot=_boot())


def _since_boot() -> float:
    """Return the seconds since boot, also those that the machine has slept where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
