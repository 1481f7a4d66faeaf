"""A program that dies at one of its file-system calls; faultio.c is preloaded.

Usage: struck.py NTH supervisor | struck.py NTH submit PATH KEY. Only calls under JOBS_DATA_DIR count, and only those of
this process: what it starts is not struck.
"""

import os
import sys

from outlast import Outlast
from outlast.app import supervise
from outlast.settings import load_settings
from tests.crash.work import everything
from tests.faults import faultio
from tests.faults.faultio import Fault


def main(nth: int, act: str, *words: str) -> None:
    del os.environ["LD_PRELOAD"]
    faultio.arm(Fault(nth=nth, path=os.environ["JOBS_DATA_DIR"]))
    if act == "supervisor":
        supervise(load_settings(), idle_seconds=None)
    else:
        with Outlast() as outlast:
            print("told", outlast.submit(everything, words[0], key=words[1]).id, flush=True)
    print("calls", faultio.disarm(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
