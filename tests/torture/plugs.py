"""Power cuts under load: clients submit, jobs run steps, a script completes checklists, and the plug is pulled."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from outlast import JobState
from outlast.core.query import Query
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests import processes
from tests.disks import Cut, LoopDisk
from tests.faults.fixtures import ROOT
from tests.processes import Seen
from tests.torture.oracle import Findings, client_logs, read_diary
from tests.torture.strikes import Plan, Torture
from tests.waiting import eventually

ACCOUNTS, ACTIVITIES = 2, 60
TYPES_A_CUT = 4
"""So many checklists are enough that the script does not come to its end."""
NEWS = (20, 200, 600)
BYTES_OF_NEWS = 200
"""About so many acknowledgements lie between two cuts: some fall into the start of everything, most into full work."""
CUTS = (Cut.AT_ONCE, Cut.AT_ONCE, Cut.AT_ONCE, Cut.LOG_FLUSHED, Cut.ORDERLY)
PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class Promised:
    """What was acknowledged so far, as the records outside of the disk tell."""

    keys: dict[str, str]
    done: set[str]
    steps: dict[str, set[str]]
    activities: dict[tuple[str, str], set[str]]

    @property
    def count(self) -> int:
        parts = (self.steps.values(), self.activities.values())
        return len(self.keys) + len(self.done) + sum(len(names) for part in parts for names in part)


class PulledPlugs(Torture):
    """One run: `cut` as often as wanted, then `settle`.

    `lost` tells in words what was acknowledged before a cut and is gone after it; `too_late` counts what is gone and
    was acknowledged only while the power went.
    """

    def __init__(self, disk: LoopDisk, directory: Path, plan: Plan) -> None:
        super().__init__(disk.place / "jobs", directory, plan)
        self._disk = disk
        self._script: subprocess.Popen[bytes] | None = None
        self._script_diary = directory.with_name("activities")
        self.promises = 0
        self.lost: list[str] = []
        self.too_late = 0
        self.cuts: Counter[str] = Counter()
        directory.mkdir()

    def cut(self) -> None:
        """Let everything work for a while, pull the plug, and look for what was acknowledged."""
        self._keep_clients()
        self._keep_script()
        wanted = sum(self._sizes().values()) + BYTES_OF_NEWS * self._chance.randint(1, self._chance.choice(NEWS))
        with suppress(AssertionError):
            eventually(lambda: sum(self._sizes().values()) >= wanted, timeout=PATIENCE_SECONDS)
        how = self._chance.choice(CUTS)
        heard = self._sizes()
        alive = set(processes.job_processes(self._data_dir))  # some end by themselves, now that nothing can be written
        self._disk.cut(how)
        self._end_it_all(alive)
        self._disk.unmount()
        self._disk.mount()
        self.cuts[how.name] += 1
        self.too_late += len(list(self._missing(self._promised())))
        self._unhear(heard)
        promised = self._promised()
        self.promises = promised.count
        self.lost += [f"cut {self.cuts.total()} ({how.name}): {fault}" for fault in self._missing(promised)]
        self.too_late -= len(self.lost)

    def settle(self) -> Findings:
        """Let everything go on to its end without cuts; judge as after kills."""
        self._keep_clients()
        findings = self._settle()
        self.end()
        return findings

    def end(self) -> None:
        """End what still runs."""
        self._end_it_all()

    def _keep_script(self) -> None:
        if self._script is not None and self._script.poll() == 0:
            return
        types = int(10 + TYPES_A_CUT * self._plan.kills)
        numbers = map(str, (ACCOUNTS, types, ACTIVITIES, 1, 4))
        command = [sys.executable, "-m", "tests.jobstate.daily", str(self._state), str(self._script_diary), *numbers]
        self._script = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)

    @property
    def _state(self) -> Path:
        return self._disk.place / "job-state"

    def _end_it_all(self, alive: AbstractSet[Seen] = frozenset()) -> None:
        """End every process, as the power cut does; job processes that were `alive` before have died of it too."""
        for program in [*self._clients.values(), *([self._script] if self._script else [])]:
            program.kill()
            program.wait()
        self.killed["job"] += len(alive | set(processes.job_processes(self._data_dir)))

        def nobody() -> bool:
            left = self._everybody()
            for process in left:
                process.kill()
            return not left

        eventually(nobody, what="the death of everybody")

    def _sizes(self) -> dict[Path, int]:
        """Return how much has been written in each record so far; those that tell most are looked at last."""
        files = [path for path in self._directory.iterdir() if path.suffix != ".errors"]
        files = [*sorted(files, key=lambda path: path.suffix == ".client"), self._script_diary]
        return {path: path.stat().st_size for path in files if path.exists()}

    def _unhear(self, heard: dict[Path, int]) -> None:
        """Strike out what was told after the cut: with its power a machine loses its voice.

        Here its processes live on for a moment, and a flush that was under way as the file system was shut down may
        still return without an error. What was only tried stays: it may have happened.
        """
        for path in self._sizes():
            if path.name == "stop":
                continue
            size = heard.get(path, 0)
            rest = path.read_bytes()[size:].splitlines(keepends=True) if path.suffix == ".client" else []
            os.truncate(path, size)
            with path.open("ab") as record:
                record.writelines(line for line in rest if line.startswith(b"try "))
            if path.stat().st_size == 0 and not path.suffix:
                path.unlink()

    def _promised(self) -> Promised:
        _, keys = client_logs(self._directory)
        logs = [path.read_text().splitlines() for path in self._directory.glob("*.client")]
        done = {line.split()[1] for lines in logs for line in lines if line.startswith("done ")}
        steps = {
            path.name: {line.step for line in read_diary(path) if line.word == "saved"}
            for path in self._directory.iterdir()
            if "." not in path.name and path.name != "stop"
        }
        return Promised(keys, done, steps, self._completed())

    def _completed(self) -> dict[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        text = self._script_diary.read_text() if self._script_diary.exists() else ""
        for line in text.splitlines():
            word, account, kind, name = line.split()
            if word == "saved":
                found[account, kind].add(name)
        return found

    def _missing(self, promised: Promised) -> Iterator[str]:
        """Yield in words what was acknowledged and is not there."""
        with closing(SqliteStore(self._data_dir / "jobs.db")) as store:
            yield from store.check()
            jobs = {str(job.key): job for job in store.page(Query(), before=None, limit=1_000_000).jobs}
            for key, job_id in promised.keys.items():
                if key not in jobs or jobs[key].id != job_id:
                    yield f"{key} was acknowledged as {job_id} and is not there"
            for key in promised.done:
                if key in jobs and jobs[key].status is not Status.COMPLETED:
                    yield f"{key} had ended, and is {jobs[key].status}"
            for key, names in promised.steps.items():
                job = jobs.get(key)
                kept = store.steps(job.id, after=0, limit=99) if job and names else []
                for name in names - {step.name.removeprefix("step ") for step in kept}:
                    yield f"step {name} of {key} was acknowledged and is not there"
        shown = {(each.account, each.type): set(each.completed) for each in JobState(dir=self._state).history()}
        for (account, kind), names in promised.activities.items():
            for name in names - shown.get((account, kind), set()):
                yield f"{name} of {account}, {kind}, was completed and is not"
