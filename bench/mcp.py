"""How long `tasks/get` and `jobs_status` take while nothing else happens, and while jobs keep all cores busy.

python -m bench.mcp
"""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

from tests.mcp.conformance import end_supervisor
from tests.mcp.talking import Tasks, asked, called, started

CALLS = 200
MOST_TIMES_IDLE = 5.0
HARD = {
    "kind": "pow",
    "args": {
        "action": "struct_build_complete",
        "entity": "5-40",
        "player": "1-11",
        "block_start": 1000,
        "block_height": 8000,
        "max_iterations": 10**12,
    },
}

WAITS = {
    "kind": "pow",
    "args": {"action": "struct_build_complete", "entity": "1-1", "player": "1-11", "simulate": 3600},
}


async def measured(client: Client, task_id: str) -> dict[str, float]:
    """Return the median milliseconds of each call."""
    calls: dict[str, Any] = {
        "tasks/get": lambda: asked(client.session, "tasks/get", taskId=task_id),
        "jobs_status": lambda: called(client, "jobs_status", job_id=task_id),
    }
    medians = {}
    for name, call in calls.items():
        seconds = []
        for _ in range(CALLS):
            began = perf_counter()
            await call()
            seconds.append(perf_counter() - began)
        medians[name] = median(seconds) * 1000
    return medians


async def conversation(server: StdioServerParameters) -> tuple[dict[str, float], dict[str, float]]:
    async with Client(server, extensions=[Tasks()]) as client:
        waiting = await started(client, "jobs_start", **WAITS)
        await measured(client, waiting["taskId"])  # warm
        idle = await measured(client, waiting["taskId"])
        busy_jobs = [await started(client, "jobs_start", **HARD) for _ in range(os.cpu_count() or 1)]
        while {(await called(client, "jobs_status", job_id=job["taskId"]))["status"] for job in busy_jobs} != {
            "running"
        }:
            await anyio.sleep(0.1)
        await anyio.sleep(1)
        return idle, await measured(client, waiting["taskId"])


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        environment = {
            **os.environ,
            "JOBS_DATA_DIR": place,
            "OUTLAST_POW_SEARCH": "hashlib",
            "TARGET_DIFFICULTY_START": "6",
        }
        server = StdioServerParameters(command=sys.executable, args=["-m", "outlast", "mcp"], env=environment)
        try:
            idle, busy = anyio.run(partial(conversation, server))
        finally:
            end_supervisor(Path(place))
    for name in idle:
        times = busy[name] / idle[name]
        print(f"{name:12} idle {idle[name]:6.2f} ms   all cores busy {busy[name]:6.2f} ms   {times:4.1f} times")
    return 0 if all(busy[name] <= MOST_TIMES_IDLE * idle[name] for name in idle) else 1


if __name__ == "__main__":
    sys.exit(main())
