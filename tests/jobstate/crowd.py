"""One of many processes that complete activities of the same checklist, each its own.

    python -m tests.jobstate.crowd DIRECTORY WORKERS NUMBER COUNT [full]

Each completion that was acknowledged is a line on stdout. `full`: for a while the disk is (faultio is preloaded).
"""

import errno
import os
import sys

from outlast import JobState
from outlast.core.errors import StoreFull
from tests.faults import faultio
from tests.jobstate import planted
from tests.jobstate.places import ACCOUNT, DAY, TYPE


def names_of(worker: int, count: int) -> list[str]:
    return [f"worker-{worker}-{number}" for number in range(count)]


def main() -> None:
    """Complete this worker's activities, one after the other."""
    planted.plant()
    directory, workers, number, count = sys.argv[1], *map(int, sys.argv[2:5])
    names = [name for worker in range(workers) for name in names_of(worker, count)]
    checklist = JobState(dir=directory, timezone="UTC").open(ACCOUNT, TYPE, names, DAY)
    refused = 0
    for done, name in enumerate(names_of(number, count)):
        if "full" in sys.argv and done == count // 3:
            faultio.arm(
                faultio.Fault(nth=1, mode="short", ops="write", path=directory, error=errno.ENOSPC, sticky=True)
            )
        while True:
            try:
                checklist.complete(name)
                break
            except StoreFull:
                refused += 1
                if refused == 3:
                    faultio.disarm()
        os.write(1, f"{name}\n".encode())
    if "full" in sys.argv:
        assert refused == 3


if __name__ == "__main__":
    main()
