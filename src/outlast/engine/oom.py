"""Whether the kernel has killed processes for want of memory: it counts them for each control group."""

import functools
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

CAUSE = "killed by SIGKILL: the machine, or its container, had run out of memory"
RECENT_SECONDS = 10.0
"""So long a process may take to die once the kernel has chosen it."""
BLIND_SECONDS = 3.0
"""After so long without a look nobody can tell when the count has risen."""
_CGROUPS = Path("/sys/fs/cgroup")


def oom_kills() -> int | None:
    """Return how many processes of this control group were killed so far, None if nothing tells."""
    counter = _counter()
    return None if counter is None else _count(counter)


class OomWatch:
    """Tells of a process that was killed whether the kernel may have done it."""

    def __init__(self) -> None:
        self._seen = oom_kills() or 0
        self._unclaimed = 0
        self._rose_at = 0.0
        self._looked = 0.0

    def look(self) -> None:
        """See whether the kernel has killed something; to be called about once a second while jobs run."""
        was_blind = monotonic() - self._looked > BLIND_SECONDS
        self._looked = monotonic()
        count = oom_kills() or 0
        if count > self._seen and not was_blind:
            self._unclaimed += count - self._seen
            self._rose_at = monotonic()
        self._seen = count

    def claim(self) -> bool:
        """Tell whether a process that has just died may be one that the kernel killed; each is told of once."""
        self.look()
        if monotonic() - self._rose_at > RECENT_SECONDS:
            self._unclaimed = 0
        if not self._unclaimed:
            return False
        self._unclaimed -= 1
        return True


@functools.cache
def _counter() -> Path | None:
    return next((path for path in _places() if _count(path) is not None), None)


def _places() -> Iterator[Path]:
    """Yield where the count may stand: version 1 or 2 of control groups, seen from outside or inside a container."""
    try:
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    of_version_1 = [path for _, controllers, path in lines if "memory" in controllers.split(",")]
    of_version_2 = [path for number, _, path in lines if number == "0"]
    for path in of_version_1:
        yield _CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control"
        yield _CGROUPS / "memory" / "memory.oom_control"
    for path in of_version_2:
        yield _CGROUPS / path.lstrip("/") / "memory.events"
        yield _CGROUPS / "memory.events"
    yield Path("/proc/vmstat")


def _count(path: Path) -> int | None:
    try:
        words = (line.split() for line in path.read_text().splitlines())
        return next((int(line[1]) for line in words if line[0] == "oom_kill"), None)
    except (OSError, ValueError, IndexError):
        return None
