"""Write docs/mcp-transcript.md from a real conversation: python docs/make_mcp.py

It starts a server, has it start a proof of work, kills all of it, and asks another server. What differs from run to run
(ids, times, rates) stands as … in the page.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("mcp-transcript.md")
HEAD = """\
# A conversation with the MCP server

<!-- Made by docs/make_mcp.py, which held this conversation. Do not edit: run it. -->

`→` is what a client sends to `outlast mcp`, `←` what it gets (the structured content of the answer). A search is
started, then the server, the supervisor and the job process are killed with SIGKILL, and another server is asked. Ids,
times and rates are left out (`…`).
"""
CALL = {
    "kind": "pow",
    "args": {
        "action": "struct_build_complete",
        "entity": "5-41",
        "player": "1-11",
        "block_start": 1000,
        "block_height": 8000,
        "max_iterations": 50000000,
    },
}
_VARIES = re.compile(
    r'("(?:\w+_at|job_id|rate|eta_seconds|computation_time_ms|iterations|done|message|sha256)": )("[^"]*"|[\d.]+)'
)
_ID = re.compile(r"pow_\d+_[0-9a-f]{16}")
PATIENCE_SECONDS = 120.0


def page() -> str:
    """Return the text of the page."""
    with tempfile.TemporaryDirectory() as place:
        return "\n".join([HEAD, *_conversation(Path(place))])


def _conversation(place: Path) -> Iterator[str]:
    environment = {
        **os.environ,
        "JOBS_DATA_DIR": str(place / "jobs"),
        "OUTLAST_POW_SEARCH": "hashlib",
        "TARGET_DIFFICULTY_START": "6",
    }
    with _server(environment) as server:
        job = server.call("jobs_start", CALL)
        yield _exchange("jobs_start", CALL, job)
        query = {"job_id": job["job_id"]}
        running = _until(lambda: server.call("jobs_status", query), lambda view: bool(_done(view)))
        yield _exchange("jobs_status", query, running)
    yield "Now everything is killed: the server, the supervisor, the job process.\n"
    _kill_the_rest(place)
    with _server(environment) as server:
        yield "Another server, which has never heard of the job:\n"
        end = _until(lambda: server.call("jobs_status", {**query, "wait_s": 25}), lambda view: "completed_at" in view)
        yield _exchange("jobs_status", {**query, "wait_s": 25}, end)
    _kill_the_rest(place)


def _done(view: dict[str, Any]) -> float:
    return float(view.get("progress", {}).get("done", 0))


def _until(look: Any, is_good: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if is_good(found := look()):
            return found
        time.sleep(0.1)
    raise SystemExit("The job did not get on.")


def _exchange(tool: str, arguments: dict[str, Any], answer: dict[str, Any]) -> str:
    progress = {name: each for name, each in answer.get("progress", {}).items() if name not in ("rate", "eta_seconds")}
    answer = answer | ({"progress": progress} if progress else {})
    said = f"→ {tool} {json.dumps(arguments)}\n← {json.dumps(answer, indent=2)}"
    return f"```text\n{_short(said)}\n```\n"


def _short(said: str) -> str:
    return _VARIES.sub(r"\1…", _ID.sub("pow_…", said))


class _Talk:
    """The protocol by hand, so that nothing but what it says can be in the page."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._number = 0
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "page", "version": "1"}}
        self._ask("initialize", hello)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask("tools/call", {"name": tool, "arguments": arguments})
        found: dict[str, Any] = answer["result"]["structuredContent"]
        return found

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._number:
                return answer
        raise SystemExit("The server has left.")

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


@contextmanager
def _server(environment: dict[str, str]) -> Iterator[_Talk]:
    command = [sys.executable, "-m", "outlast", "mcp"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Talk(process)
        finally:
            process.kill()


def _kill_the_rest(place: Path) -> None:
    """Kill every process of the data directory: each has its name in what it was started with."""
    mark = os.fsencode(place / "jobs")
    for _ in range(50):
        found = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal() and _has(each, mark)]
        if not found:
            return
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


def _has(process: Path, mark: bytes) -> bool:
    if int(process.name) == os.getpid():
        return False
    try:
        return mark in (process / "environ").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
