"""A program that never stops looking: does a job call itself stopped while one of its processes still runs?

Usage: watcher.py STORE REPORT. It writes a line for each lie it sees, and `ready` first; it ends when its stdin does.
"""

import select
import sys
from pathlib import Path

from outlast.core.query import Query
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests import processes

LOOK_SECONDS = 0.005


def main(store_path: str, report_path: str) -> None:
    store = SqliteStore(Path(store_path))
    with open(report_path, "a", encoding="utf-8", buffering=1) as report:
        report.write("ready\n")
        proven: set[str] = set()
        goes_on = True
        while goes_on:
            goes_on = not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]
            for job in store.page(Query(), before=None, limit=1_000).jobs:
                if job.status is not Status.CANCELLED or job.id in proven:
                    continue
                proven.add(job.id)
                events = store.details(job).events
                marks = [str(event.detail["process"]) for event in events if event.event == "claimed"]
                for process in [process for mark in marks for process in processes.marked(mark)]:
                    report.write(f"{job.id} is {job.status}, but {process.pid} lives\n")
        report.write(f"proven {len(proven)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
