"""Our own measurements that targets are judged by: `python -m bench.sources NAME DIRECTORY`.

Each measures once, in a process of its own, and prints its figures as a line of JSON. What takes long to make stays in
the directory for the next round.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from bench import engine, jobstate, pow, store, telling, waiting
from bench.finished import kept
from outlast.storage.sqlite import SqliteStore

Source = Callable[[Path], dict[str, float]]
LISTED, PAGED, WAITING = 100_000, 1_000_000, 100_000
LIST_STARTS = 7
MEBIBYTE = 1 << 20


def submit_many(place: Path) -> dict[str, float]:
    """Jobs that are made already, in calls of 10,000 to the store."""
    (place / "many.db").unlink(missing_ok=True)
    return {"store": store.many(place)}


def listed(place: Path) -> dict[str, float]:
    """A program that starts and lists the newest of many finished jobs."""
    return telling.listing(kept(place / "listed", LISTED).parent, LIST_STARTS)


def paged(place: Path) -> dict[str, float]:
    """Pages of a list of very many finished jobs, and the slowest. For a rare word there are many short looks.

    The file is read once before: how fast a disk is whose pages the system has let go of is another question.
    """
    path = kept(place / "paged", PAGED)
    with open(path, "rb") as file:
        while file.read(MEBIBYTE):
            pass
    with closing(SqliteStore(path)) as opened:
        found = store.pages(opened)
    return {**found, "slowest page": max(value for name, value in found.items() if name != store.ALL_LOOKS)}


def searching(place: Path) -> dict[str, float]:
    """The proof of work; its kernel is compiled once for all rounds."""
    os.environ["XDG_CACHE_HOME"] = f"{place}/cache"
    return pow.measured(place / "cache")


def of_engine(*parts: Callable[[engine.Shop], list[engine.Row]]) -> Source:
    """Return parts of the engine's measurement as one source."""
    return partial(engine.measured, parts=parts)


SOURCES: dict[str, Source] = {
    "steps": of_engine(engine.bare_commits_over, engine.steps, engine.steps_at_once),
    "enqueue": of_engine(engine.bare_commits, engine.enqueue),
    "submit_many": submit_many,
    "checkpoint": of_engine(engine.checkpoints),
    "checklist": jobstate.measured,
    "listed": listed,
    "paged": paged,
    "waiting": lambda place: waiting.measured(place, WAITING),
    "idle": of_engine(engine.memory, engine.idle),
    "pow": searching,
    "cancel": of_engine(engine.cancel),
    "recovery": of_engine(engine.recovery),
}


def main() -> None:
    name, place = sys.argv[1:]
    print(json.dumps(SOURCES[name](Path(place))), flush=True)


if __name__ == "__main__":
    main()
