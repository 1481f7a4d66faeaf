"""The server over HTTP: who is let in, and how much."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import anyio
import pytest
from mcp import Client

from outlast.clients.mcp.http import BURST, Guard, Message, Receive, Send
from tests.mcp.listening import port_of
from tests.mcp.talking import ERAS, called, started, talk
from tests.workshop import Workshop

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@contextmanager
def serving(*arguments: str, **variables: str) -> Iterator[int]:
    """Serve the data directory of the test over HTTP."""
    command = [sys.executable, "-m", "outlast", "mcp", "--http", "--port", "0", *arguments]
    with subprocess.Popen(command, env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield port_of(server)
        finally:
            server.kill()


def posted(port: int, body: Any = LIST, host: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """Return status and body of a POST."""
    line = HTTPConnection(host, port, timeout=30)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    line.request("POST", "/mcp", raw, given | {name.replace("_", "-"): value for name, value in headers.items()})
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, text


def test_only_this_machine_and_its_pages_are_let_in(workshop: Workshop) -> None:
    with serving() as port:
        assert posted(port)[0] == 200
        assert posted(port, host="127.0.0.1", Origin=f"http://localhost:{port}")[0] == 200
        assert posted(port, Host="evil.example.com")[0] == 421
        assert posted(port, Host=f"127.0.0.1.evil.example.com:{port}")[0] == 421
        assert posted(port, Origin="https://evil.example.com")[0] == 403
        assert posted(port, Origin="null")[0] == 403
        assert posted(port, content_type="text/plain")[0] in (400, 415)


def test_requests_are_bounded_in_size_and_depth(workshop: Workshop) -> None:
    with serving() as port:
        assert posted(port, b"x" * 2_000_000)[0] == 413
        assert posted(port, b"[" * 100_000)[0] == 400
        assert posted(port, b"\xff\xfe")[0] == 400
        assert posted(port, [LIST] * 1_000)[0] == 400


def test_a_flood_of_requests_is_turned_away() -> None:
    let_in: list[int] = []

    async def inner(scope: Message, receive: Receive, send: Send) -> None:
        let_in.append(1)

    async def flood() -> list[int]:
        said: list[Message] = []

        async def send(message: Message) -> None:
            said.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        guard = Guard(inner, token=None)
        for _ in range(20_000):
            await guard({"type": "http", "headers": []}, receive, send)
        return [message["status"] for message in said if "status" in message]

    turned_away = anyio.run(flood)

    assert set(turned_away) == {429}
    assert len(let_in) >= BURST
    assert len(let_in) + len(turned_away) == 20_000


def test_another_address_needs_a_token(workshop: Workshop) -> None:
    command = [sys.executable, "-m", "outlast", "mcp", "--http", "--host", "0.0.0.0", "--port", "0"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert "OUTLAST_TOKEN" in done.stderr


def test_only_the_token_opens(workshop: Workshop) -> None:
    with serving("--host", "0.0.0.0", OUTLAST_TOKEN="s3cret-é") as port:
        right = "Bearer s3cret-é".encode().decode("latin-1")
        assert posted(port, Authorization=right)[0] == 200
        assert posted(port, Authorization=right, Host="jobs.example.com")[0] == 200
        for wrong in ("Bearer s3cret", "Bearer ", "Basic s3cret", "s3cret", ""):
            assert posted(port, Authorization=wrong)[0] == 401
        assert posted(port)[0] == 401


def test_a_port_that_is_taken_is_said_in_one_line(workshop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "outlast", "mcp", "--http", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("era", ERAS)
def test_a_client_works_over_http(workshop: Workshop, era: str) -> None:
    async def work(client: Client) -> dict[str, Any]:
        call = {"action_type": "struct_build_complete", "entity_id": "5-12", "player_id": "1-11"}
        job = await called(client, "structs_calculate_proof_of_work", **call)
        return await called(client, "structs_query_proof_of_work_status", job_id=job["job_id"])

    with serving() as port:
        assert talk(f"http://127.0.0.1:{port}/mcp", work, era=era)["kind"] == "pow"


def test_a_header_that_names_another_task_is_refused(workshop: Workshop) -> None:
    async def work(client: Client) -> dict[str, Any]:
        return await started(client, "jobs_start", kind="pow", args=POW)

    with serving() as port:
        handle = talk(f"http://127.0.0.1:{port}/mcp", work, tasks=True)
        for name, status, code in ((handle["taskId"], 200, None), ("another", 400, -32020)):
            answer = posted(port, task_request(handle["taskId"]), **MODERN, Mcp_Name=name)
            assert answer[0] == status, answer
            assert json.loads(answer[1]).get("error", {}).get("code") == code


POW = {"action": "struct_build_complete", "entity": "5-12", "player": "1-11", "block_height": 5}
MODERN = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tasks/get"}


def task_request(task_id: str) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": task_id, "_meta": meta}}
