"""Three servers on stdio and one over HTTP on one store, killed at random with all that works behind them."""

import os
import queue
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import Client, StdioServerParameters

from tests import processes
from tests.mcp.counting import STEPS
from tests.mcp.listening import free_port, until_listening
from tests.mcp.talking import called, talk
from tests.waiting import eventually
from tests.workshop import Workshop

JOBS = 100
SERVERS = 3
KILLED_SERVERS = 6
SEED = 20_260_728
ARGUMENTS = ["-m", "outlast", "mcp", "--app", "tests.mcp.counting"]


class Crowd:
    """Clients that share out the numbers of jobs, and start one again until a server has said that it is stored."""

    def __init__(self, path: Path, port: int) -> None:
        self.todo: queue.Queue[int] = queue.Queue()
        for number in range(JOBS):
            self.todo.put(number)
        self.told: dict[int, str] = {}
        self._path = str(path)
        stdio = StdioServerParameters(command=sys.executable, args=ARGUMENTS, env=dict(os.environ))
        targets: list[Any] = [*[stdio] * SERVERS, f"http://127.0.0.1:{port}/mcp"]
        self._threads = [threading.Thread(target=self._serve, args=(target,)) for target in targets]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def _serve(self, target: Any) -> None:
        while len(self.told) < JOBS:
            with suppress(Exception, BaseExceptionGroup):  # the server was killed: another one is started
                talk(target, self._work)

    async def _work(self, client: Client) -> None:
        while len(self.told) < JOBS:
            try:
                number = self.todo.get(timeout=0.05)
            except queue.Empty:
                continue
            try:
                arguments = {"number": number, "path": self._path, "key": f"job {number}"}
                self.told[number] = (await called(client, "start_noted", **arguments))["job_id"]
            finally:
                if number not in self.told:
                    self.todo.put(number)


class Web:
    """A server over HTTP that is started anew when it was killed."""

    def __init__(self, port: int) -> None:
        self._command = [sys.executable, *ARGUMENTS, "--http", "--port", str(port)]
        self._port = port
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._server = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        until_listening(self._port)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()


def a_server_on_stdio(chance: random.Random) -> Callable[[], None] | None:
    """Return what kills one of the servers that clients of this process have started."""
    found = [each for each in psutil.Process().children() if "mcp" in each.cmdline() and "--http" not in each.cmdline()]
    return chance.choice(found).kill if found else None


def test_nothing_is_lost_and_steps_repeat_at_most_once_a_death(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, notes, port = random.Random(SEED), tmp_path / "notes", free_port()
    killed: Counter[str] = Counter()
    web = Web(port)
    web.start()
    try:
        with Crowd(notes, port) as crowd:
            for round_ in range(1, KILLED_SERVERS + 1):
                most = JOBS * round_ // (KILLED_SERVERS + 1)
                eventually(lambda: len(crowd.told) >= most, timeout=90, what=f"{most} jobs to be stored")  # noqa: B023
                strike(workshop, web, chance, killed)
    finally:
        web.kill()
    workshop.service.ensure()
    ids = crowd.told
    eventually(lambda: all_ended(workshop, ids), timeout=60, what="all jobs to end")

    seen = [line.split() for line in notes.read_text().splitlines()]
    times = Counter((int(number), step) for number, step, _, _ in seen)
    repeated = sum(count - 1 for count in times.values())
    assert len(set(ids.values())) == JOBS
    assert set(times) == {(number, step) for number in range(JOBS) for step in STEPS}
    assert repeated <= killed["job process"]
    assert all(workshop.service.get(job_id).result == str(number) for number, job_id in ids.items())
    with capsys.disabled():
        print(f"\n{JOBS} jobs, seed {SEED}, killed {dict(killed)}, steps repeated {repeated}")


def strike(workshop: Workshop, web: Web, chance: random.Random, killed: Counter[str]) -> None:
    """Kill a server, and something that works behind it."""
    if chance.random() < 0.3:
        web.kill()
        killed["HTTP server"] += 1
        web.start()
    elif kill := a_server_on_stdio(chance):
        kill()
        killed["stdio server"] += 1
    for what, found in (
        ("supervisor", processes.supervisors(workshop.root)),
        ("job process", processes.job_processes(workshop.root)),
    ):
        if found and chance.random() < 0.8:
            chance.choice(found).kill()
            killed[what] += 1


def all_ended(workshop: Workshop, ids: dict[int, str]) -> bool:
    workshop.service.ensure()
    return all(workshop.service.get(job_id).status.is_end for job_id in ids.values())
