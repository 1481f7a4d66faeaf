"""What must be true after the torture, judged from the records kept outside the product and the final store."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from outlast.core.codec import decode
from outlast.core.job import Job
from outlast.core.query import Query
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests.torture.client import STEPS


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a job's diary."""

    word: str
    job: str
    step: str
    attempt: int
    pid: int
    ticks: int


@dataclass(slots=True)
class Findings:
    """Counts, and in words everything that must not be."""

    jobs: int = 0
    steps_done: int = 0
    repeated: int = 0
    short_repeated: int = 0
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    redone: list[str] = field(default_factory=list)
    interleaved: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    litter: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Return everything that must not be; empty after a sound run."""
        kinds = ("lost", "unexpected", "redone", "interleaved", "stuck", "litter")
        return [f"{kind}: {fault}" for kind in kinds for fault in getattr(self, kind)]


def read_diary(path: Path) -> list[Line]:
    """Return the lines of one job, in the order in which they were written."""
    rows = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return [Line(row[0], row[1], row[2], int(row[3]), int(row[4]), int(row[5])) for row in rows]


def judge(data_dir: Path, directory: Path) -> Findings:
    """Return what is to be said about a run that is over."""
    findings = Findings()
    store = SqliteStore(data_dir / "jobs.db")
    by_key = {job.key or job.id: job for job in store.page(Query(), before=None, limit=1_000_000).jobs}
    tried, acknowledged = client_logs(directory)
    diaries = {path.name: read_diary(path) for path in directory.iterdir() if "." not in path.name}
    diaries.pop("stop", None)
    findings.jobs = len(by_key)
    for key in sorted(by_key.keys() - tried | diaries.keys() - tried):
        findings.unexpected.append(f"{key} was never submitted")
    for key, job_id in sorted(acknowledged.items()):
        _judge_job(findings, key, job_id, by_key.get(key))
    for key, lines in sorted(diaries.items()):
        saved = {step.name for step in store.steps(by_key[key].id, after=0, limit=10_000)} if key in by_key else set()
        _judge_diary(findings, lines, saved)
    store.close()
    _judge_files(findings, data_dir)
    return findings


def client_logs(directory: Path) -> tuple[set[str], dict[str, str]]:
    """Return what clients tried to submit, and what was acknowledged to them with its id."""
    tried: set[str] = set()
    acknowledged: dict[str, str] = {}
    for path in directory.glob("*.client"):
        for line in path.read_text().splitlines():
            word, key, *rest = line.split()
            if word == "try":
                tried.add(key)
            elif word == "ack":
                acknowledged.setdefault(key, rest[0])
                if acknowledged[key] != rest[0]:
                    raise AssertionError(f"{key} was acknowledged as {acknowledged[key]} and as {rest[0]}")
    return tried, acknowledged


def _judge_job(findings: Findings, key: str, job_id: str, job: Job | None) -> None:
    if job is None or job.id != job_id:
        findings.lost.append(f"{key} was acknowledged as {job_id}; the store has {job and job.id}")
        return
    steps = [] if "+" in key else [f"result of {step}" for step in range(STEPS)]
    if not job.status.is_end:
        findings.stuck.append(f"{key} is {job.status} after attempt {job.attempt}")
    elif job.status is not Status.COMPLETED:
        findings.lost.append(f"{key} is {job.status} ({job.reason}): {job.error}")
    elif decode(job.result or "null") != {"job": key, "steps": steps}:
        findings.lost.append(f"{key} has the result {job.result}")


def _judge_diary(findings: Findings, lines: list[Line], saved: set[str]) -> None:
    name = lines[0].job
    newest = 0
    done: dict[str, int] = defaultdict(int)
    begun: dict[int, list[str]] = defaultdict(list)
    acknowledged: set[str] = set()
    for line in lines:
        if line.attempt < newest or line.word == "overlap":
            findings.interleaved.append(f"{name}: {line}")
        newest = max(newest, line.attempt)
        if line.word == "in":
            # Who begins the next step has been told that all before it are kept.
            acknowledged.update(begun[line.attempt])
            begun[line.attempt].append(line.step)
            if line.step in acknowledged:
                findings.redone.append(f"{name}: step {line.step} was acknowledged and began again: {line}")
        elif line.word == "did":
            done[line.step] += 1
        elif line.word == "saved":
            acknowledged.add(line.step)
    repeated = sum(times - 1 for times in done.values())
    findings.steps_done += sum(done.values())
    if "+" in name:
        # Its end may be reported and lost together with its process and the supervisor; then it runs again.
        findings.short_repeated += repeated
    else:
        findings.repeated += repeated
    for step in sorted(acknowledged):
        if f"step {step}" not in saved:
            findings.lost.append(f"{name}: step {step} was acknowledged and is not in the store")


def _judge_files(findings: Findings, data_dir: Path) -> None:
    connection = apsw.Connection(str(data_dir / "jobs.db"), flags=apsw.SQLITE_OPEN_READONLY)
    verdict = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    if verdict != [("ok",)]:
        findings.litter.append(f"integrity_check says {verdict[:3]}")
    findings.litter += [f"{path} is left" for path in data_dir.rglob("*.tmp")]
    findings.litter += [f"{path} is left" for path in (data_dir / "run").glob("p*.lock")]
