"""A script for accounts with hostile names: what remains of two types for each, beginning somewhere in the list.

    python -m tests.jobstate.hostile_run DIRECTORY DIARY NAMES BEGIN COUNT

A line of the diary: `in` or `saved`, the number of the name, the type and the activity.
"""

import os
import sys
import threading

from outlast import AlreadyClaimed, AlreadyDone, Checklist, JobState
from tests.jobstate import planted
from tests.jobstate.hostile import hostile_names
from tests.jobstate.places import DAY

ACTIVITIES = ["one", "../two\n"]
TYPE_NAMES = ("daily-set", "..")
BODY_SECONDS = 0.001
"""So that a kill often hits the inside of an activity."""


def main() -> None:
    """Do what remains."""
    planted.plant()
    directory, diary, *numbers = sys.argv[1:]
    count_of_names, begin, count = map(int, numbers)
    descriptor = os.open(diary, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    names = hostile_names(count_of_names)
    state = JobState(dir=directory, timezone="UTC")
    for number in (each % count_of_names for each in range(begin, begin + count)):
        for kind, type_name in enumerate(TYPE_NAMES):
            checklist = state.open(names[number], type_name, ACTIVITIES, DAY)
            for activity, name in enumerate(ACTIVITIES):
                do(checklist, name, f"{number} {kind} {activity}", descriptor)


def do(checklist: Checklist, name: str, label: str, descriptor: int) -> None:
    try:
        with checklist.activity(name):
            os.write(descriptor, f"in {label}\n".encode())
            threading.Event().wait(BODY_SECONDS)
    except (AlreadyDone, AlreadyClaimed):
        return
    os.write(descriptor, f"saved {label}\n".encode())


if __name__ == "__main__":
    main()
