"""The torturer: keeps clients running and kills whatever a seeded chance names, as often as asked."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from outlast.storage.sqlite import SqliteStore
from tests import processes
from tests.processes import Seen
from tests.torture.oracle import Findings, Line, judge, read_diary
from tests.waiting import eventually

SETTLE_SECONDS = 10.0
"""By then everything acknowledged has ended, counted from the last restart."""
AIM_SECONDS = 0.5
NEWEST = 12
"""More jobs than can run or wait at a time."""
_INSIDE = frozenset({"in", "did"})
_FOUND = {
    "supervisor": processes.supervisors,
    "server": processes.fork_servers,
    "job": processes.job_processes,
}
_STRUCK = {
    "supervisor": ("supervisor",),
    "answered": ("supervisor",),
    "server": ("server",),
    "both": ("supervisor", "job"),
    "all": ("supervisor", "job"),
}
"""Of which kinds all are killed, in this order; clients, and one job process inside a step, are chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is killed, and how often what.

    `pause_seconds`: the mean time between two strikes, by default about what a process needs to come back.
    `long_share`: the share of steps that take half a second. `burst`: how many short jobs follow each job.
    """

    seed: str
    kills: int
    inside: int = 0
    weights: dict[str, int] = field(
        default_factory=lambda: {
            "job": 10,
            "supervisor": 2,
            "answered": 1,
            "client": 2,
            "server": 1,
            "both": 4,
            "all": 2,
        }
    )
    clients: int = 2
    pause_seconds: float = 0.09
    long_share: float = 0.06
    burst: int = 12
    ghost_share: float = 0.1
    fault: str = ""


class Torture:
    """One run: `strike` until enough processes are dead, then `settle`, then ask for `findings`."""

    def __init__(self, data_dir: Path, directory: Path, plan: Plan) -> None:
        self._data_dir = data_dir
        self._directory = directory
        self._plan = plan
        self._chance = random.Random(plan.seed)
        self._clients: dict[str, subprocess.Popen[bytes]] = {}
        self.killed: Counter[str] = Counter()
        self.inside_steps = 0
        self.ghosts: Counter[str] = Counter()
        self.settled_after = 0.0

    def run(self) -> Findings:
        """Do the whole run; return what the oracle says."""
        self._directory.mkdir()
        self._keep_clients()
        eventually(self._last_lines, timeout=30, what="the first step of a job")
        while self._goes_on():
            self._strike()
            self._pause()
            self._keep_clients()
        findings = self._settle()
        for line in self._logged_tracebacks():
            findings.litter.append(line)
        return findings

    def _goes_on(self) -> bool:
        """Tell whether to kill on: as often as planned, and until enough deaths fell inside a step, within reason."""
        killed = self.killed.total()
        return killed < self._plan.kills or (self.inside_steps < self._plan.inside and killed < 3 * self._plan.kills)

    def _strike(self) -> None:
        what = self._chance.choices(list(self._plan.weights), list(self._plan.weights.values()))[0]
        if what in ("client", "all"):
            clients = list(self._clients.values())
            for client in clients if what == "all" else [self._chance.choice(clients)]:
                self._kill("client", processes.seen(client.pid))
        if what == "answered":
            with contextlib.suppress(AssertionError):
                eventually(lambda: [line for line in self._last_lines() if line.word == "saved"], timeout=AIM_SECONDS)
        if what == "job":
            self._kill_inside_a_step()
        for kind in _STRUCK.get(what, ()):
            for process in _FOUND[kind](self._data_dir):
                self._kill(kind, process)

    def _kill_inside_a_step(self) -> None:
        """Kill one job process that says it is inside a step, as soon as there is one."""
        try:
            line = self._chance.choice(eventually(self._inside, timeout=AIM_SECONDS))
        except AssertionError:
            return
        self._kill("job", Seen(line.pid, line.ticks))
        if self._chance.random() < self._plan.ghost_share:
            self._send_ghost(line)

    def _send_ghost(self, line: Line) -> None:
        """Let a late word of the dead attempt arrive once the next one runs."""
        store = SqliteStore(self._data_dir / "jobs.db")
        with contextlib.closing(store):
            found = store.find(line.job, 1)
            if not found:
                return
            job_id = found[0].id
            try:
                eventually(lambda: _moved_on(store, job_id, line.attempt), timeout=1.0)
            except AssertionError:  # nobody supervises just now: the attempt is not over, and its word not late
                return
        place = self._data_dir / "run" / "supervisor.sock"
        command = [sys.executable, "-m", "tests.torture.ghost", str(place), job_id, str(line.attempt)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        self.ghosts[told.stdout.strip()] += 1

    def _kill(self, kind: str, process: Seen | None) -> None:
        if process is None or not process.is_alive:
            return
        process.kill(signal.SIGKILL)
        eventually(lambda: not process.is_alive, what=f"the death of {process.pid}")
        self.killed[kind] += 1
        last = [line for line in self._last_lines() if (line.pid, line.ticks) == (process.pid, process.ticks)]
        self.inside_steps += kind == "job" and any(line.word in _INSIDE for line in last)

    def _inside(self) -> list[Line]:
        return [line for line in self._last_lines() if line.word in _INSIDE and Seen(line.pid, line.ticks).is_alive]

    def _last_lines(self) -> list[Line]:
        """Return the last line of the newest diaries; older jobs have ended."""
        found = [entry for entry in os.scandir(self._directory) if entry.name[-1].isdigit() and "+" not in entry.name]
        newest = sorted(found, key=lambda entry: entry.stat().st_mtime)[-NEWEST:]
        return [lines[-1] for entry in newest if (lines := read_diary(Path(entry.path)))]

    def _pause(self) -> None:
        threading.Event().wait(self._chance.uniform(0, 2 * self._plan.pause_seconds))

    def _keep_clients(self) -> None:
        for number in range(self._plan.clients):
            name = f"client{number}"
            known = self._clients.get(name)
            if known is None or known.poll() is not None:
                self._clients[name] = self._start_client(name)

    def _start_client(self, name: str) -> "subprocess.Popen[bytes]":
        places = [str(self._data_dir), str(self._directory)]
        how = [name, f"{self._plan.seed} {name}", str(self._plan.long_share), str(self._plan.burst)]
        command = [sys.executable, "-m", "tests.torture.client", *places, *how]
        with open(self._directory / f"{name}.errors", "ab") as errors:
            return subprocess.Popen(command, env=self._environment(), stdout=errors, stderr=errors)

    def _environment(self) -> dict[str, str]:
        """Return the variables of every program under torture; they plant the fault, if there is one."""
        environment = {**os.environ, "OUTLAST_MAX_CRASHES": "10000", "OUTLAST_CONCURRENCY": "4"}
        if self._plan.fault:
            path = [str(Path(__file__).with_name("planted")), *filter(None, [os.environ.get("PYTHONPATH")])]
            environment |= {"TORTURE_FAULT": self._plan.fault, "PYTHONPATH": os.pathsep.join(path)}
        return environment

    def _settle(self) -> Findings:
        """Let everything go on for the time it may take; then end all processes and judge."""
        (self._directory / "stop").touch()
        restarted = monotonic()
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self._unfinished(), timeout=SETTLE_SECONDS)
        self.settled_after = monotonic() - restarted
        stray = self._end_everything()
        findings = judge(self._data_dir, self._directory)
        findings.litter += stray
        if findings.repeated > self.killed["job"]:
            findings.redone.append(f"{findings.repeated} repeated steps, but only {self.killed['job']} deaths")
        return findings

    def _unfinished(self) -> list[str]:
        return [name for name, client in self._clients.items() if client.poll() is None]

    def _end_everything(self) -> list[str]:
        """Stop the supervisor as an administrator would; return what is left after it."""
        for name in self._unfinished():
            self._clients[name].kill()
        for client in self._clients.values():
            client.wait()
        for supervisor in processes.supervisors(self._data_dir):
            supervisor.kill(signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self._everybody(), timeout=SETTLE_SECONDS)
        return [f"process {process.pid} is left" for process in self._everybody()]

    def _everybody(self) -> list[Seen]:
        return processes.job_processes(self._data_dir) + processes.supervisors(self._data_dir)

    def _logged_tracebacks(self) -> list[str]:
        """Return what programs of ours said before they fell over."""
        logs = [*self._directory.glob("*.errors"), self._data_dir / "logs" / "supervisor.log"]
        texts = [path.read_text(errors="replace") for path in logs]
        return [text[text.index("Traceback") :][:3_000] for text in texts if "Traceback" in text]


def _moved_on(store: SqliteStore, job_id: str, attempt: int) -> bool:
    job = store.get(job_id)
    return job is not None and job.attempt > attempt
