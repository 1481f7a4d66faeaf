"""The script that is killed: activities for several accounts and types, each told outside when it begins and ends.

    python -m tests.jobstate.daily DIRECTORY DIARY ACCOUNTS TYPES ACTIVITIES LEAST MOST

LEAST and MOST are milliseconds. A line of the diary: `word account type activity`; the words are `in` (inside the
activity), `did` (its effect is done), `saved` (it was completed).
"""

import os
import random
import sys
import threading

from outlast import JobState
from tests.jobstate import planted
from tests.jobstate.places import DAY


def main() -> None:
    """Do what remains of everything."""
    planted.plant()
    directory, diary, *numbers = sys.argv[1:]
    accounts, types, activities, least, most = map(int, numbers)
    descriptor = os.open(diary, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    state = JobState(dir=directory, timezone="UTC")
    names = [f"activity-{number}" for number in range(activities)]

    def write(word: str, name: str) -> None:
        os.write(descriptor, f"{word} {account} {type_name} {name}\n".encode())

    for account in (f"account-{number}@example.org" for number in range(accounts)):
        for type_name in (f"type-{number}" for number in range(types)):
            for name in (checklist := state.open(account, type_name, names, DAY)).each():
                write("in", name)
                threading.Event().wait(random.uniform(least, most) / 1000)
                write("did", name)
                checklist.complete(name)
                write("saved", name)


if __name__ == "__main__":
    main()
