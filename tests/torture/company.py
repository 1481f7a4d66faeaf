"""Torture in company: while processes are killed, others try to supervise, look, examine, prune, copy and submit."""

import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from outlast.storage.sqlite import SqliteStore
from tests.torture.strikes import Plan, Torture

AT_ONCE = 3
POLITE = (0, 1, 3)
"""Done; doctor has something to say, or a job failed; the store is busy, or another supervisor is in office."""
KILLED = -9


@dataclass(slots=True)
class Visit:
    """One command on its way."""

    words: list[str]
    process: "subprocess.Popen[bytes]"
    errors: Path


class Company(Torture):
    """A torture with visitors (`only` one kind of them); what they did wrong is in `rude`."""

    def __init__(self, data_dir: Path, directory: Path, plan: Plan, *, only: str = "") -> None:
        super().__init__(data_dir, directory, plan)
        self._only = only
        self._visits: list[Visit] = []
        self._copies = directory.with_name("copies")
        self._copies.mkdir(exist_ok=True)
        self._guests = 0
        self.visited: Counter[str] = Counter()
        self.rude: list[str] = []

    def _keep_clients(self) -> None:
        super()._keep_clients()
        for visit in [visit for visit in self._visits if visit.process.poll() is not None]:
            self._visits.remove(visit)
            self._judge(visit)
        # Before the first job there is nothing to look at, and the commands say so.
        while len(self._visits) < AT_ONCE and (self._data_dir / "jobs.db").exists():
            self._visits.append(self._begin())
        lasting = [visit for visit in self._visits if visit.words[0] == "worker"]
        if lasting and self._chance.random() < 0.1:
            self._chance.choice(lasting).process.kill()

    def _words(self) -> list[str]:
        number = sum(self.visited.values())
        choices = [
            ["worker", "-c", "2"],
            ["worker", "--drain"],
            ["list", "-a", "--json", "--limit", "100"],
            ["stats", "--json"],
            ["failures", "--json"],
            ["doctor", "--json"],
            ["prune", "--older-than", "0s", "--json"],
            ["backup", str(self._copies / f"{number}.db")],
            ["export", str(self._copies / f"{number}.jsonl")],
            ["run", "--key", f"guest-{self._guests}", "--", "true"],
        ]
        return self._chance.choice([words for words in choices if self._only in (words[0], "")])

    def _begin(self) -> Visit:
        words = self._words()
        if words[0] == "run":
            with open(self._directory / "guests.client", "a", encoding="ascii") as log:
                log.write(f"try guest-{self._guests}\n")
            self._guests += 1
        self.visited[words[0]] += 1
        errors = self._copies / f"{sum(self.visited.values())}.said"
        with open(errors, "wb") as said:
            command = [sys.executable, "-m", "outlast", "--data-dir", str(self._data_dir), *words]
            process = subprocess.Popen(command, env=self._environment(), stdout=subprocess.DEVNULL, stderr=said)
        return Visit(words, process, errors)

    def _judge(self, visit: Visit) -> None:
        code, said = visit.process.wait(), visit.errors.read_text(errors="replace")
        if "Traceback" in said or code not in (*POLITE, KILLED):
            self.rude.append(f"{' '.join(visit.words)}: {code}: {said[-2000:]}")
        if visit.words[0] == "backup" and code == 0:
            with closing(SqliteStore(Path(visit.words[1]))) as copy:
                self.rude += [f"{visit.words[1]}: {fault}" for fault in copy.check()]

    def _end_everything(self) -> list[str]:
        for visit in self._visits:
            visit.process.terminate()
            self._judge_end(visit)
        return super()._end_everything()

    def _judge_end(self, visit: Visit) -> None:
        try:
            visit.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.rude.append(f"{' '.join(visit.words)} did not end")
            visit.process.kill()
            visit.process.wait()
