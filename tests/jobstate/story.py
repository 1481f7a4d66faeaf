"""A short life of a checklist, told on stdout as it happens; recorded for the power cuts, with planted faults.

python -m tests.jobstate.story DIRECTORY STORY [FAULT]
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from outlast import JobState, durable
from outlast.jobstate import journal, late
from tests.jobstate.places import ACCOUNT, DAY, NAMES, TYPE

DIRECTORY = "job-state"


def tell(word: str, name: str) -> None:
    os.write(1, f"{word} {name}\n".encode())


def completes(state: JobState) -> None:
    """Do the three activities, one after the other."""
    checklist = state.open(ACCOUNT, TYPE, NAMES, DAY)
    tell("opened", "it")
    for name in checklist.each():
        tell("began", name)
        checklist.complete(name)
        tell("completed", name)


def begins_anew(state: JobState) -> None:
    """Complete, undo one, complete it again, and let a person delete the JSON."""
    checklist = state.open(ACCOUNT, TYPE, NAMES, DAY)
    for name in NAMES[:2]:
        tell("began", name)
        checklist.complete(name)
        tell("completed", name)
    tell("undoing", NAMES[0])
    state.reset(ACCOUNT, TYPE, DAY, NAMES[0])
    tell("undone", NAMES[0])
    tell("began", NAMES[2])
    checklist.complete(NAMES[2])
    tell("completed", NAMES[2])
    tell("resetting", "it")
    state.reset(ACCOUNT, TYPE, DAY)
    tell("reset", "it")
    tell("began", NAMES[1])
    checklist.complete(NAMES[1])
    tell("completed", NAMES[1])


def takes_over(state: JobState) -> None:
    """Go on with what the old system has left."""
    checklist = state.open(ACCOUNT, TYPE, NAMES, DAY)
    tell("opened", "it")
    tell("began", NAMES[1])
    checklist.complete(NAMES[1])
    tell("completed", NAMES[1])


STORIES: dict[str, Callable[[JobState], None]] = {
    "completes": completes,
    "begins_anew": begins_anew,
    "takes_over": takes_over,
}


def without_flushes(_: JobState) -> None:
    journal.Journal._flush_all = lambda self: None  # type: ignore[method-assign]


def without_directory_flushes(_: JobState) -> None:
    durable.fsync_directory = lambda path: None


def with_a_hasty_undo(_: JobState) -> None:
    """Rewrite the JSON after an undo as after a completion, without a flush."""
    durable.replace_file = lambda path, data: hasty(path, data)


def hasty(path: Path, data: bytes) -> None:
    temporary = path.with_name(".hasty.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


FAULTS: dict[str, Callable[[JobState], None]] = {
    "without_flushes": without_flushes,
    "without_directory_flushes": without_directory_flushes,
    "with_a_hasty_undo": with_a_hasty_undo,
}


def main() -> None:
    """Tell the story that the command line names."""
    directory, story, *faults = sys.argv[1:]
    state = JobState(dir=Path(directory) / DIRECTORY, timezone="UTC")
    for fault in faults:
        FAULTS[fault](state)
    STORIES[story](state)
    late.rewrite_now()


if __name__ == "__main__":
    main()
