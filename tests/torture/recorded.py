"""Carries out one change of a store while faultio.c records what reaches the disk.

    LD_PRELOAD=faultio.so FI_REC=… python -m tests.torture.recorded MODULE NAME DIRECTORY [FAULT]

FAULT plants one: `relaxed` takes SQLite's word NORMAL for a promise.
"""

import importlib
import sys
from pathlib import Path

from outlast.storage.sqlite import connection


def relaxed() -> None:
    """Let commits reach the disk at some time: it survives kill -9, and never a power cut."""
    vars(connection)["_FLUSHED"] = connection._UNFLUSHED


FAULTS = {"relaxed": relaxed}


def main(module: str, name: str, directory: str, *faults: str) -> None:
    for fault in faults:
        FAULTS[fault]()
    operation = getattr(importlib.import_module(module), name)
    operation.act(Path(directory), lambda: print("acknowledged", flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
