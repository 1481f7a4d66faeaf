"""Whether Outlast is as fast as it sets out to be: `./run bench --targets [--rounds N] [--only PART,…] [--json FILE]`.

Every round measures everything that is needed once, what is compared as near to each other as can be. A ratio is of
figures of the same round; the table shows medians over the rounds.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.apart import PEERS, prepare, run, say
from bench.verdict import FAILED, Row, Target, judge, terminal_table
from outlast.pow.searching.kernel.processor import suitable

_COMMA = re.compile(r",(?!\d{3}\b)")
"""One that separates, not one of a number."""
POSTGRES = "comes with the store in PostgreSQL"
HOPS = (
    "each step crosses from the job's process to the supervisor and back, which is the price of its own process. Eight "
    "jobs keep two cores busy: in November 2026 a step took the supervisor 0.13 ms of processor time and the job 0.15, "
    "and four steps shared a commit. Done: who awaits an answer stays awake for it (one job: 0.39 -> 0.50 x bare), a "
    "turn in which jobs only save does nothing else, jobs give way to the supervisor, and a message takes half the "
    "code it took. Tried: to wait for more steps before a commit, which halves the commits and gains nothing."
)
TURNS = (
    "three processes take turns, and nearly all of it is Python: in November 2026 the client took 0.9 ms of processor"
    " time a job, the supervisor 1.5 and the job process 0.7; nothing waits for a poll. Done: a claim waits for no "
    "flush, whoever waits is told once and not twice, and what the clock brings is seen to while the job runs."
)
PAGES = (
    "a forked process pays for each page of memory that it touches (900 of 3 µs, the same ones in every child) and "
    "imports the job's modules; with the supervisor's 2.8 ms that is 10 ms of processor time a job (November 2026). "
    "Tried: a rehearsal in the server before it forks, and a third process ahead, which changed nothing; to have all "
    "pages copied in one call, which takes as long for each. Done: the fork is not waited for, two processes are kept "
    "ready, what a fork inherits is done once, and nothing is imported in a child but what the job needs."
)
FLUSHES = (
    "the client that submits waits for a flush of its own with each job: in November 2026 its commit was 0.45 of 0.8"
    " ms, with four processes on two cores, and 0.1 went by while the supervisor wrote. Done: jobs are handed ahead, "
    "ends gather for 10 ms, a claim waits for no flush, jobs.json is made in the pauses, and a job is changed in a "
    "sixth of the time."
)
BULK = (
    "an absolute figure, of a machine whose disk and processor vary by a third within minutes: the same code stored "
    "between 63,000 and 111,000 a second in one hour of November 2026. Two thirds of it are SQLite's."
)
SHA_UNIT = (
    "this processor has no AVX-512. Its SHA unit, one for each core, is what the compiled search keeps busy (decision "
    "0015); and our hashlib path is faster than the plain loop that the target was made for."
)
SLOW_PYTHON = "a time by the clock says as much of the machine; the next row holds it against its Python."

TARGETS = (
    Target(
        what="steps of one job, each kept",
        ours="steps: steps, one job",
        beside=("steps: bare commits",),
        at_least=0.5,
        than="× bare commits",
        cause=HOPS,
    ),
    Target(
        what="steps of eight jobs at once",
        ours="steps: steps, eight jobs at once",
        beside=("steps: bare commits",),
        at_least=1.5,
        than="× bare commits",
        cause=HOPS,
    ),
    Target(
        what="steps of one job, each kept",
        ours="outlast steps: steps",
        beside=("dbos steps: steps",),
        at_least=5,
        than="× DBOS on SQLite",
    ),
    Target(
        what="submits with a key and 200 bytes",
        ours="enqueue: enqueue one by one",
        beside=("enqueue: bare commits",),
        at_least=0.6,
        than="× bare commits",
    ),
    Target(what="submit_many of 10,000 made jobs", ours="submit_many: store", at_least=100_000, than="/s", cause=BULK),
    Target(what="submit_many with all it checks", ours="enqueue: submit_many of 10,000", than="/s"),
    Target(
        what="submitted and run, two processes",
        ours="outlast work: overall",
        beside=("huey work: overall",),
        at_least=2,
        than="× Huey with fsync",
        cause=FLUSHES,
    ),
    Target(
        what="submitted and run, two processes",
        ours="outlast work: overall",
        beside=("dbos work: overall",),
        at_least=8,
        than="× DBOS on SQLite",
    ),
    Target(
        what="from submit to result, median",
        ours="outlast work: p50",
        beside=("celery work: p50", "huey work: p50"),
        at_most=0.6,
        than="× Celery, Huey",
        cause=TURNS,
    ),
    Target(
        what="from submit to result, p99",
        ours="outlast work: p99",
        beside=("celery work: p99", "huey work: p99"),
        at_most=0.6,
        than="× Celery, Huey",
        cause=TURNS,
    ),
    Target(
        what='run with isolation="process"',
        ours="outlast_process work: overall",
        beside=("rq work: overall",),
        at_least=5,
        than="× RQ, which forks",
        cause=PAGES,
    ),
    Target(what="checkpoint that is not due", ours="checkpoint: checkpoint, nothing due", at_most=0.3, than="µs"),
    Target(what="completion in a checklist", ours="checklist: complete × bare", at_least=0.7, than="× append + flush"),
    Target(
        what="completion, checklist of 10,000",
        ours="checklist: long by short",
        at_most=1.5,
        than="× the time of 20",
    ),
    Target(
        what="100,000 finished: start, newest 50",
        ours="listed: seconds",
        at_most=0.15,
        than="s",
        cause=SLOW_PYTHON,
    ),
    Target(
        what="100,000 finished: start, newest 50",
        ours="listed: seconds",
        beside=("listed: bare",),
        at_most=15,
        than="× python -c pass",
    ),
    Target(what="100,000 finished: memory of that", ours="listed: MB", at_most=40, than="MB"),
    Target(what="1,000,000 finished: slowest page", ours="paged: slowest page", at_most=5, than="ms in the store"),
    Target(
        what="1,000,000 finished: one look",
        ours="paged: a word that none has",
        at_most=5,
        than="ms in the store",
    ),
    Target(what="100,000 waiting: job processes", ours="waiting: job processes", at_most=0, than=""),
    Target(what="100,000 waiting: supervisor", ours="waiting: share of a core", at_most=1, than="% of a core"),
    Target(what="idle supervisor, memory", ours="idle: idle supervisor", at_most=30, than="MB"),
    Target(what="idle supervisor, writes", ours="idle: idle supervisor's writes", at_most=0, than="B"),
    Target(
        what="idle supervisor, processor",
        ours="idle: idle supervisor's share of a core",
        at_most=0.2,
        than="% of a core",
    ),
    Target(what="idle job process, memory", ours="idle: idle job process", at_most=30, than="MB"),
    Target(
        what="proof of work, compiled",
        ours="pow: compiled",
        beside=("pow: our hashlib path",),
        at_least=30,
        than="× our hashlib path",
        cause=SHA_UNIT if suitable()[0] == "sha" else "",
    ),
    Target(
        what="proof of work, compiled",
        ours="pow: compiled",
        beside=("pow: Node createHash",),
        at_least=60,
        than="× Node createHash",
        needs="node",
    ),
    Target(
        what="proof of work, hashlib path",
        ours="pow: our hashlib path",
        beside=("pow: loop with a copied prefix", "pow: naive loop"),
        at_least=0.9,
        than="× best plain loop",
    ),
    Target(
        what="proof of work, two processes",
        ours="pow: crew of 2",
        beside=("pow: crew of 1",),
        at_least=1.9,
        than="× one by the clock",
    ),
    Target(
        what="proof of work, two processes",
        ours="pow: crew of 2, a core each",
        beside=("pow: crew of 1, a core each",),
        at_least=1.9,
        than="× one by CPU time",
    ),
    Target(what="proof of work, first hash", ours="pow: first hash", at_most=300, than="ms"),
    Target(what="proof of work, by the kept kernel", ours="pow: kernel, kept", at_most=300, than="ms"),
    Target(what="cancel of a CPU loop, grace 1 s", ours="cancel: cancel of a CPU loop", at_most=1200, than="ms"),
    Target(
        what="cancel inside of C, grace 1 s",
        ours="cancel: cancel of one held in C, grace 1 s",
        at_most=1200,
        than="ms",
    ),
    Target(what="cancel of a job that looks for it", ours="cancel: cancel of a job that looks", at_most=100, than="ms"),
    Target(
        what="job process killed → runs again",
        ours="recovery: kill -9 of a job process → runs again",
        at_most=1000,
        than="ms",
    ),
    Target(what="supervisor killed too → runs again", ours="recovery: … and supervisor", at_most=3000, than="ms"),
    Target(what="PostgreSQL: submit one by one", at_least=0.6, than="× bare commits", later=POSTGRES),
    Target(what="PostgreSQL: submitted and run", at_least=2, than="× Procrastinate", later=POSTGRES),
)


class Run:
    """What is measured for some targets, round by round, and why a source has no figures."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self.rounds: list[dict[str, float]] = []
        self.missing: dict[str, str] = {}
        self.failed: dict[str, str] = {}

    def measure(self, rounds: int) -> None:
        """Measure every source once a round; one that needs what is not here is asked once."""
        measurable = [target for target in self.targets if not lacks(target)]
        sources = dict.fromkeys(source for target in measurable for source in target.sources)
        self._prepare(sources)
        with tempfile.TemporaryDirectory(prefix="outlast-bench-", ignore_cleanup_errors=True) as place:
            for number in range(rounds):
                figures: dict[str, float] = {}
                for source in sources:
                    say(f"round {number + 1} of {rounds}: {source}")
                    found = {} if source in self.missing else self._once(source, place)
                    figures |= {f"{source}: {name}": value for name, value in found.items()}
                self.rounds.append(figures)

    def rows(self) -> list[Row]:
        """Return what is to be said of each target."""
        return [self._row(target) for target in self.targets]

    def _row(self, target: Target) -> Row:
        failed = any(source in self.failed for source in target.sources)
        return judge(target, self.rounds, self._why(target), failed=failed)

    def _prepare(self, sources: Iterable[str]) -> None:
        peers = [source for source in sources if source.split()[0] in PEERS]
        try:
            if peers:
                prepare()
        except (OSError, subprocess.CalledProcessError) as error:
            self.missing |= dict.fromkeys(peers, f"the peers could not be installed: {error}")

    def _once(self, source: str, place: str) -> dict[str, float]:
        name, _, part = source.partition(" ")
        found = run(name, "bench.peers.measure", part) if part else run(name, "bench.sources", place)
        for word, why in (("missing", self.missing), ("failed", self.failed)):
            if word in found:
                why[source] = f"{source}: {found.pop(word)}"
        return found

    def _why(self, target: Target) -> str:
        if lacks(target):
            return f"needs {target.needs}"
        return "; ".join(
            why[source] for why in (self.missing, self.failed) for source in target.sources if source in why
        )


def lacks(target: Target) -> bool:
    """Return whether the program that it needs is not here."""
    return bool(target.needs) and shutil.which(target.needs) is None


def chosen(only: str) -> list[Target]:
    """Return the targets in whose text one of the comma-separated parts stands; all without parts."""
    parts = [part.strip().lower() for part in _COMMA.split(only) if part.strip()]
    return [each for each in TARGETS if not parts or any(part in each.text.lower() for part in parts)]


def measured(rounds: int, only: str = "") -> Run:
    """Measure the chosen targets."""
    run = Run(chosen(only))
    run.measure(rounds)
    return run


def report(run: Run, file: Path | None) -> int:
    """Print the table, keep everything in a file; return 1 if a measurement failed, else 0."""
    rows = run.rows()
    print(terminal_table(rows))
    if file is not None:
        file.write_text(json.dumps(as_json(run), indent=1, ensure_ascii=False) + "\n")
    return 1 if run.failed or any(row.verdict == FAILED for row in rows) else 0


def as_json(run: Run) -> dict[str, Any]:
    """Return everything a run has found."""
    return {
        "measured_on": f"{datetime.now(UTC):%Y-%m-%d}",
        "rows": [asdict(row) for row in run.rows()],
        "rounds": run.rounds,
        "missing": run.missing,
        "failed": run.failed,
    }
