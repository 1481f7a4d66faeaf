"""The server as a process on stdin and stdout, as clients start it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tests.mcp.talking import ERAS, called, talk
from tests.workshop import Workshop

APP = """
import os, sys
print("printed while it is imported")
from outlast import job

@job
def noisy(n: int) -> int:
    "Print a lot."
    print("noise " * n)
    return n
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "outlast", "mcp", *arguments]


def exchanged(lines: Sequence[str], *arguments: str) -> tuple[int, list[Any], str]:
    """Send lines, close stdin, and return the exit code, the messages, and stderr."""
    done = subprocess.run(
        command(*arguments), input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, timeout=60
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("era", ERAS)
def test_a_client_starts_a_job_of_the_app_and_gets_its_result(era: str, workshop: Workshop, app: Path) -> None:
    [program, *arguments] = command("--app", str(app))
    server = StdioServerParameters(command=program, args=arguments, env=dict(os.environ))

    async def work(client: Client) -> dict[str, Any]:
        job = await called(client, "start_noisy", n=1_000)
        return await called(client, "jobs_status", job_id=job["job_id"], wait_s=25)

    assert talk(server, work, era=era)["result"] == 1_000


def test_nothing_but_the_protocol_is_on_stdout_and_it_leaves_when_stdin_closes(workshop: Workshop, app: Path) -> None:
    code, messages, _ = exchanged([], "--app", str(app))

    assert (code, messages) == (0, [])


def hello(version: str = "2025-11-25") -> Iterator[str]:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    yield json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    yield json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "null",
        "{" * 100_000,
        '{"jsonrpc":"2.0","id":9,"method":"nonsense"}',
        '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":7}}',
        '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"jobs_list","arguments":[]}}',
        '{"jsonrpc":"2.0","id":1e999,"method":"tools/list"}',
        "x" * 5_000_000,
    ],
)
def test_nonsense_ends_nothing(workshop: Workshop, line: str) -> None:
    after = json.dumps({"jsonrpc": "2.0", "id": 77, "method": "tools/list"})

    with subprocess.Popen(
        command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write("".join(f"{each}\n" for each in (*hello(), line, after)).encode())
        server.stdin.flush()
        answers = (json.loads(each) for each in server.stdout)
        found = next(answer for answer in answers if answer.get("id") == 77)
        server.stdin.close()
        assert len(found["result"]["tools"]) > 8
        assert server.wait(30) == 0


def test_an_app_that_cannot_be_imported_is_said_in_one_line(workshop: Workshop, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import nothing_of_this_name\n")

    code, messages, said = exchanged([], "--app", str(broken))

    assert (code, messages) == (2, [])
    assert "broken.py:1: ModuleNotFoundError" in said
    assert "Traceback" not in said


def test_a_configuration_is_printed_for_every_client(workshop: Workshop, app: Path) -> None:
    for client in ("claude-desktop", "cursor", "vscode", "windsurf", "gemini-cli"):
        done = subprocess.run(
            command("--app", str(app), "--print-config", client), capture_output=True, text=True, timeout=60, check=True
        )
        [servers] = json.loads(done.stdout).values()
        assert servers["outlast"]["args"][-3:] == ["mcp", "--app", str(app)]
        assert Path(servers["outlast"]["command"]).name == "outlast"
        assert done.stderr.startswith("Put this into ")
