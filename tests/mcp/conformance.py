"""The official conformance suite and the Inspector against our server: ./run conformance

Both come from npm, by name and version, into `.tools/conformance`; nothing else of this project needs Node.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mcp.listening import free_port, until_listening

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".tools" / "conformance"
PACKAGES = (
    "node@22",
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
)
SCENARIOS = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-status-notifications",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
    "dns-rebinding-protection",
    "http-header-validation",
    "caching",
)
ERAS = ("legacy", "modern")
_PASSED = re.compile(r"Passed: (\d+)/(\d+), (\d+) failed")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one scenario or call."""

    name: str
    passed: int
    runnable: int
    output: str

    @property
    def is_good(self) -> bool:
        return self.passed == self.runnable


def main() -> int:
    install()
    with tempfile.TemporaryDirectory() as place, serving(Path(place)) as url:
        outcomes = [scenario(url, name) for name in SCENARIOS]
        outcomes += [inspected(target, era) for target in (("--server-url", url), stdio()) for era in ERAS]
    for outcome in outcomes:
        skipped = "" if outcome.runnable else "  (the suite skips it)"
        print(f"{outcome.passed:3} of {outcome.runnable:3}  {outcome.name}{skipped}")
        if not outcome.is_good:
            print(outcome.output)
    print(f"{sum(each.passed for each in outcomes)} of {sum(each.runnable for each in outcomes)} checks pass.")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def install() -> None:
    """Have the packages, of these versions."""
    mark = PLACE / "installed"
    if not mark.exists() or mark.read_text() != "\n".join(PACKAGES):
        PLACE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(PLACE), *PACKAGES]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        mark.write_text("\n".join(PACKAGES))


@contextmanager
def serving(place: Path) -> Iterator[str]:
    """Serve the fixture jobs over HTTP while the block runs."""
    port = free_port()
    environment = {**os.environ, "JOBS_DATA_DIR": str(place / "jobs"), "OUTLAST_GRACE": "1s"}
    command = [sys.executable, "-m", "tests.mcp.conformance_server", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            until_listening(port)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            server.terminate()
            end_supervisor(place / "jobs")


def end_supervisor(root: Path) -> None:
    """End what runs for a data directory."""
    from tests import processes
    from tests.waiting import eventually

    def nobody() -> bool:
        left = processes.supervisors(root) + processes.job_processes(root)
        for process in left:
            process.kill()
        return not left

    eventually(nobody, what="every process of the directory to die")


def scenario(url: str, name: str) -> Outcome:
    """Run one scenario of the suite."""
    output = node("conformance", "server", "--url", url, "--scenario", name)
    found = _PASSED.search(output)
    passed, runnable, failed = (int(number) for number in found.groups()) if found else (0, 1, 1)
    return Outcome(name=name, passed=passed, runnable=max(runnable, passed + failed), output=output)


def inspected(target: Sequence[str], era: str) -> Outcome:
    """Let the Inspector list the tools, and call two."""
    where = "HTTP" if "--server-url" in target else "stdio"
    calls = (
        (("--method", "tools/list"), '"structs_calculate_proof_of_work"'),
        (("--method", "tools/call", "--tool-name", "jobs_list", "--tool-arg", "limit=5"), '"jobs"'),
        (("--method", "tools/call", "--tool-name", "jobs_status", "--tool-arg", "job_id=none"), "jobs_list shows"),
    )
    options, server = (target, ()) if where == "HTTP" else ((), ("--", *target))
    outputs = [node("mcp-inspector", "--cli", *options, "--protocol-era", era, *call, *server) for call, _ in calls]
    passed = sum(sign in output for output, (_, sign) in zip(outputs, calls, strict=True))
    return Outcome(name=f"Inspector, {where}, {era} era", passed=passed, runnable=len(calls), output="\n".join(outputs))


def stdio() -> Sequence[str]:
    """Return the command of a server on stdio, on a store that stays empty."""
    return (sys.executable, "-m", "outlast", "--data-dir", str(PLACE / "jobs"), "mcp")


def node(program: str, *arguments: str) -> str:
    """Run one of the programs and return what it says."""
    directory = PLACE / "node_modules"
    path = os.pathsep.join([str(directory / "node" / "bin"), os.environ.get("PATH", os.defpath)])
    command = [str(directory / ".bin" / program), *arguments]
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=180
    )
    return _COLOUR.sub("", done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(main())
