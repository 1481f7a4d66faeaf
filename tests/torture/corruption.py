"""What the command line says of a damaged store: run in this process, because thousands of runs must not take hours."""

import contextlib
import io
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outlast.clients.cli.main import run
from outlast.clients.cli.session import Session

DAMAGE_CODES = {"store_damaged", "store_newer", "refused", "internal"}
"""How damage may be told: of the file itself, as another program's or a later one's, as a disk that cannot be read."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one run of the program gave back."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        told: dict[str, str] = json.loads(self.err)["error"]
        return told


def outlast(directory: Path, *words: str) -> Told:
    """Run the program in this process, with JSON for output."""
    out, err = io.StringIO(), io.StringIO()
    session = Session()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = run(["--json", "--data-dir", str(directory), *words], session)
        finally:
            session.close()
    return Told(code, out.getvalue(), err.getvalue())


@dataclass(slots=True)
class Verdicts:
    """What was found over many damages; `faults` are the ones that must not be."""

    told: int = 0
    right: int = 0
    changed: int = 0
    repaired: int = 0
    faults: list[str] = field(default_factory=list)


class Patient:
    """A data directory that is damaged in many ways, each time from the same sound state."""

    def __init__(self, sound: Path, place: Path) -> None:
        self.sound = sound
        self.place = place
        self.raw = (sound / "jobs.db").read_bytes()
        self.jobs = {job["job_id"]: job for job in self._listed(sound)}

    def _listed(self, directory: Path) -> list[dict[str, Any]]:
        told = outlast(directory, "list", "-a", "--limit", "999")
        assert told.code == 0, told
        jobs: list[dict[str, Any]] = told.object["jobs"]
        return jobs

    @contextlib.contextmanager
    def with_store(self, raw: bytes) -> Iterator[Path]:
        """Let the store be these bytes."""
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.sound, self.place)
        (self.place / "jobs.db").write_bytes(raw)
        yield self.place

    def judge(self, name: str, raw: bytes, verdicts: Verdicts, *, submits: bool = True) -> None:
        """Run the commands that look, and one that writes, on a damaged store; note what must not be."""
        with self.with_store(raw) as directory:
            path = str(directory / "jobs.db")
            before = (directory / "jobs.db").read_bytes()
            for words in self._commands():
                told = outlast(directory, *words)
                fault = self._fault(told, words, path, verdicts)
                if fault:
                    verdicts.faults.append(f"{name}: {' '.join(words)}: {fault}")
            if submits:
                self._submit(name, directory, verdicts)
            elif told.code and (directory / "jobs.db").read_bytes() != before:
                verdicts.faults.append(f"{name}: a damaged store was changed by looking at it")

    def _commands(self) -> list[list[str]]:
        return [["list", "-a", "--limit", "999"], ["show", next(iter(self.jobs)), "--verbose"]]

    def _fault(self, told: Told, words: list[str], path: str, verdicts: Verdicts) -> str:
        if "Traceback" in told.err or "Traceback" in told.out.replace("Traceback é", ""):
            return f"a traceback: {told.err[-300:]}"
        if told.code == 0:
            return self._misfit(told, words, verdicts)
        if told.out:
            return "an error, and data"
        error = told.error
        if words[0] == "show" and told.code == 4:
            # A flipped bit in an index hides a job from whoever asks for its id; doctor finds it.
            verdicts.changed += 1
            return ""
        if told.code not in (2, 3) or error["code"] not in DAMAGE_CODES | {"busy"} or "\n" in error["message"]:
            return f"exit {told.code}, {error}"
        if path not in error["message"] or not error["fix"]:
            return f"no name or no mend: {error}"
        verdicts.told += 1
        return ""

    def _misfit(self, told: Told, words: list[str], verdicts: Verdicts) -> str:
        """Return what is wrong with an answer that claims to be right."""
        if words[0] == "show":
            verdicts.right += 1
            return ""
        shown = told.object["jobs"]
        if not shown:
            return "silently empty"
        same = {job["job_id"]: job for job in shown} == self.jobs
        verdicts.right += same
        verdicts.changed += not same
        return ""

    def _submit(self, name: str, directory: Path, verdicts: Verdicts) -> None:
        told = outlast(directory, "run", "--", "true")
        if "Traceback" in told.err or told.code not in (0, 2, 3):
            verdicts.faults.append(f"{name}: run: {told}")
        if told.code and str(directory / "jobs.db") not in told.error["message"]:
            verdicts.faults.append(f"{name}: run: {told.error}")
        if told.code == 0:
            found = outlast(directory, "show", told.object["job_id"])
            if found.code != 0 and "is damaged" not in found.err:
                verdicts.faults.append(f"{name}: what was submitted is not there: {found}")

    def judge_repair(self, name: str, raw: bytes, verdicts: Verdicts) -> None:
        """Let the doctor look, then repair; every job of the sound store must be there again."""
        with self.with_store(raw) as directory:
            before = (directory / "jobs.db").read_bytes()
            told = outlast(directory, "doctor")
            if told.code not in (0, 1, 2) or told.err or (directory / "jobs.db").read_bytes() != before:
                verdicts.faults.append(f"{name}: doctor: {told}")
            self.repair_and_look(name, directory, verdicts)

    def repair_and_look(self, name: str, directory: Path, verdicts: Verdicts) -> None:
        """Repair a directory; every job of the sound store must be there again, and the store sound."""
        told = outlast(directory, "doctor", "--repair")
        if told.code == 2 or "Traceback" in told.err:
            verdicts.faults.append(f"{name}: doctor --repair: {told}")
            return
        jobs = {job["job_id"]: job for job in self._listed(directory)}
        # An id in which a bit was flipped is another job's.
        missing = self.jobs.keys() - jobs.keys()
        if len(missing) > len(jobs.keys() - self.jobs.keys()):
            verdicts.faults.append(f"{name}: not there after the repair: {sorted(missing)}")
        checks = {check["name"]: check for check in outlast(directory, "doctor").object["checks"]}
        if checks["store"]["status"] != "ok":
            verdicts.faults.append(f"{name}: after the repair: {checks['store']}")
        verdicts.repaired += 1


def flips(raw: bytes, count: int, dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield copies with one flipped bit; every other one hits the header, the schema or the head of a page."""
    for turn in range(count):
        place = dice.randrange(len(raw))
        if turn % 4 == 0:
            place = dice.randrange(min(len(raw), 20_000))
        elif turn % 4 == 1:
            place = min(len(raw) - 1, place // 4096 * 4096 + dice.randrange(64))
        bit = dice.randrange(8)
        copy = bytearray(raw)
        copy[place] ^= 1 << bit
        yield f"bit {bit} of byte {place}", bytes(copy)
