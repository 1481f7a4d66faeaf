"""A store under faults, in a process that has faultio.c preloaded.

    LD_PRELOAD=faultio.so python -m tests.contract.struck CALLS ERRNO DIRECTORY open|closed

Strikes every one of CALLS from the first on, with the store open or not yet. Tries to submit and to read, lifts the
fault, and tries again with the same store. Prints one line of JSON.
"""

import errno
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from outlast.core.errors import OutlastError
from outlast.core.query import Query
from tests.contract.making import submitted
from tests.contract.operations import ID, open_store, with_running_job
from tests.faults import faultio
from tests.faults.faultio import Fault


def tried(action: Callable[[], object]) -> tuple[str, str]:
    """Return the word for what an action did: "done", or the name of our error; and its message."""
    try:
        action()
    except OutlastError as error:
        return type(error).__name__, str(error)
    return "done", ""


def main() -> None:
    """Strike as the command line says."""
    calls, number, name, state = sys.argv[1:]
    directory = Path(name)
    with_running_job(directory)
    store = open_store(directory)
    if state == "open":
        store.get(ID)
    fault = Fault(nth=1, mode="errno", ops=calls, path=name, error=getattr(errno, number), sticky=True)
    faultio.arm(fault)
    began = time.monotonic()
    write, message = tried(lambda: submitted(store, id="struck"))
    read, _ = tried(lambda: store.page(Query(), before=None, limit=9).jobs)
    seconds = time.monotonic() - began
    faultio.disarm()
    later, _ = tried(lambda: submitted(store, id="later"))
    ids = [job.id for job in store.page(Query(), before=None, limit=9).jobs]
    answer = {"write": write, "message": message, "read": read, "later": later, "seconds": seconds, "ids": ids}
    print(json.dumps({**answer, "problems": store.check()}))
    store.close()


if __name__ == "__main__":
    main()
