"""The promise: start hours of work in one call, lose everything, ask again."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests import processes
from tests.mcp.listening import port_of
from tests.mcp.talking import asked, called, started, talk
from tests.pow.chain import Chain
from tests.waiting import eventually
from tests.workshop import Workshop

NONCE = 9_636_805
"""The first nonce of this search with six zeros; without compiled code it takes seconds."""
CALL = {
    "action_type": "struct_build_complete",
    "entity_id": "5-41",
    "player_id": "1-11",
    "block_start": 1_000,
    "max_iterations": 50_000_000,
}
SEVENTY_MINUTES_MS = 70 * 60_000


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """Have a chain whose height makes six zeros enough, and search without compiled code."""
    with Chain(8_000) as found:
        monkeypatch.setenv("CONSENSUS_API_URL", found.url)
        monkeypatch.setenv("TARGET_DIFFICULTY_START", "6")
        monkeypatch.setenv("OUTLAST_POW_SEARCH", "hashlib")
        yield found


@contextmanager
def served(transport: str) -> Iterator[Any]:
    """Yield a server to connect to; it is killed at the end."""
    if transport == "stdio":
        yield StdioServerParameters(command=sys.executable, args=["-m", "outlast", "mcp"], env=dict(os.environ))
        return
    command = [sys.executable, "-m", "outlast", "mcp", "--http", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{port_of(server)}/mcp"
        finally:
            server.kill()


def kill_all(workshop: Workshop) -> int:
    """Kill supervisor and job processes at once; return how many died."""
    killed: set[int] = set()

    def nobody() -> bool:  # looked at again: a job process may have started a supervisor before it died
        found = processes.supervisors(workshop.root) + processes.job_processes(workshop.root)
        for process in found:
            process.kill()
            killed.add(process.pid)
        return not found

    eventually(nobody, what="everybody's death")
    return len(killed)


@pytest.mark.parametrize("tasks", [False, True], ids=["tools", "task"])
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_a_proof_goes_on_when_server_supervisor_and_job_process_are_killed(
    workshop: Workshop, chain: Chain, transport: str, tasks: bool
) -> None:
    async def start(client: Client) -> str:
        if tasks:
            return str((await started(client, "structs_calculate_proof_of_work", **CALL))["taskId"])
        return str((await called(client, "structs_calculate_proof_of_work", **CALL))["job_id"])

    async def ask(client: Client) -> dict[str, Any]:
        if tasks:
            task = await asked(client.session, "tasks/get", taskId=job_id)
            return task["result"]["structuredContent"] if task["status"] == "completed" else task
        return await called(client, "structs_query_proof_of_work_status", job_id=job_id)

    with served(transport) as server:
        job_id = talk(server, start, tasks=tasks)
        eventually(lambda: has_saved(workshop, job_id), timeout=60, what="a nonce to be saved")
    assert kill_all(workshop) >= 2
    with served(transport) as server:
        status = talk(server, ask, tasks=tasks)["status"]
        assert status in ("running", "queued", "working", "completed")
    eventually(lambda: ended(workshop, job_id), timeout=90, what="the proof")
    if status != "completed":  # on a busy machine it may be found, and read, by now
        pass_time(workshop)
    with served(transport) as server:
        job = talk(server, ask, tasks=tasks)
        if tasks:  # the end was read now; the time to live that was told still holds
            pass_time(workshop, older=True)
            assert talk(server, ask, tasks=tasks) == job

    check(job, job_id)


def has_saved(workshop: Workshop, job_id: str) -> bool:
    progress = workshop.service.get(job_id).progress
    return progress is not None and (progress.done or 0) > 0


def ended(workshop: Workshop, job_id: str) -> bool:
    return workshop.service.get(job_id).status.is_end


def pass_time(workshop: Workshop, *, older: bool = False) -> None:
    """Let retention do what it does seventy minutes from now (`older`: and seventy after that)."""
    ahead = SEVENTY_MINUTES_MS * (2 if older else 1)
    store = SqliteStore(workshop.places.store, clock=lambda: time.time_ns() // 1_000_000 + ahead)
    store.prune(older_than_seconds=3_600, limit=100, read=True)
    store.prune(older_than_seconds=7 * 86_400, limit=100, read=False)
    store.close()


def check(job: dict[str, Any], job_id: str) -> None:
    assert (job["job_id"], job["status"], job["kind"]) == (job_id, "completed", "pow")
    assert job["attempts"] >= 2
    assert {"started_at", "completed_at", "result"} <= job.keys()
    result = job["result"]
    assert (result["job_id"], result["status"]) == (job_id, Status.COMPLETED)
    assert set(result["proof_of_work"]) >= {
        *("hash", "nonce", "iterations", "valid", "difficulty_met", "computation_time_ms"),
    }
    assert result["proof_of_work"]["nonce"] == str(NONCE)
    assert result["proof_of_work"]["hash"].startswith("000000")
    assert result["proof_of_work"]["valid"] is True
    assert result["proof_of_work"]["iterations"] > NONCE
    assert result["transaction"]["status"] == "skipped"
