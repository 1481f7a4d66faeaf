"""How small a store becomes when its finished jobs are pruned: the file before and after `outlast prune`.

    python -m bench.pruning [--jobs 100000] [--only NAME,…] [--directory DIR]

The jobs are made through the store's own calls, by a clock that is moved, as a supervisor makes them. What stays is the
history: `outlast stats`, `outlast failures` and the keys know the removed jobs. The promise is less than a tenth.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from outlast.core.ids import make_id
from outlast.core.job import Checkpoint, Event, Home, Job, NewJob, Progress, Spec, Step, StepKind
from outlast.core.policies import Policy
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore

BATCH = 500
DAY_MS = 86_400_000
NO_ARGS = '{"args":[],"kwargs":{}}'
OUTLAST = str(Path(sys.executable).with_name("outlast"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """Jobs of one sort: how many of a hundred thousand there are, and what they bring and leave."""

    share: float = 1.0
    args: str = NO_ARGS
    has_key: bool = False
    steps: int = 0
    progress: Progress | None = None
    result: Callable[[Job], str] = lambda job: "null"


def pow_result(job: Job) -> str:
    """Return a result as a search for a proof of work leaves it."""
    proof = {
        "hash": f"0000000{os.urandom(28).hex()}",
        "nonce": str(random.getrandbits(40)),
        "iterations": random.getrandbits(30),
        "valid": True,
        "difficulty_met": True,
        "computation_time_ms": 330_000,
    }
    sent = {
        "transaction_hash": f"0x{os.urandom(32).hex()}",
        "transaction_id": random.getrandbits(20),
        "status": "broadcast",
        "message": "Transaction broadcast successfully",
    }
    return json.dumps({"job_id": job.id, "status": "completed", "proof_of_work": proof, "transaction": sent})


SORTS = {
    "noop": Sort(),
    "key": Sort(has_key=True, args=json.dumps({"args": ["x" * 176], "kwargs": {}})),
    "steps": Sort(share=0.2, steps=10, result=lambda job: json.dumps("y" * 298)),
    "pow": Sort(progress=Progress(done=12346, total=65536, message="searching", rate=1000.5), result=pow_result),
}


class Maker:
    """Makes finished jobs of one sort, some milliseconds apart, the last of them a day ago."""

    def __init__(self, path: Path, kind: str, sort: Sort, jobs: int) -> None:
        self._chance = random.Random(1)
        self._now = time.time_ns() // 1_000_000 - DAY_MS - jobs * 20
        self._sort = sort
        home = Home(interpreter=sys.executable, path=("/app",), cwd="/app")
        self._spec = Spec(kind=kind, target="module:function", policy=Policy(), home=home)
        self._number = 0
        self.store = SqliteStore(path, clock=lambda: self._now)

    def make(self, count: int) -> None:
        """Submit so many jobs, and let them run and end, in one commit."""
        with self.store.batch():
            self.store.submit([self._new_job() for _ in range(count)])
            for job in self.store.due(count):
                self._run(self.store.claim(job, "process"))

    def _new_job(self) -> NewJob:
        self._number += 1
        self._now += self._chance.randint(0, 5)
        key = f"order:{self._number}:shipped" if self._sort.has_key else None
        job_id = make_id(self._spec.kind, self._now, self._chance.randbytes(8))
        return NewJob(id=job_id, spec=self._spec, args=self._sort.args, key=key)

    def _run(self, job: Job) -> None:
        for number in range(self._sort.steps):
            self.store.save_step(
                job.claim, Step(name=f"step {number}", kind=StepKind.STEP, result="1", duration_ms=0.1)
            )
        if self._sort.progress is not None:
            self.store.save_checkpoint(job.claim, Checkpoint(progress=self._sort.progress))
        self._now += self._chance.randint(1, 9)
        after = job._replace(status=Status.COMPLETED, completed_at=self._now)
        self.store.swap(job, after, Event(event="completed"), result=self._sort.result(job))


def measure(directory: Path, name: str, jobs: int) -> None:
    """Print how large a store is before and after its jobs are pruned."""
    path, sort = directory / "jobs.db", SORTS[name]
    count = round(jobs * sort.share)
    maker = Maker(path, name, sort, count)
    for start in range(0, count, BATCH):
        maker.make(min(BATCH, count - start))
    maker.store.close()
    before = path.stat().st_size
    environment = {**os.environ, "JOBS_DATA_DIR": str(directory), "OUTLAST_AUTOSTART": "0"}
    began = time.perf_counter()
    subprocess.run([OUTLAST, "prune", "--older-than", "0s"], env=environment, stdout=subprocess.DEVNULL, check=True)
    took = time.perf_counter() - began
    after = path.stat().st_size
    print(
        f"{name:8}{count:9,} jobs {before:13,} B {before / count:8.1f} each → {after:11,} B {after / count:6.1f} each"
        f"  {after / before:6.1%}  in {took:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(SORTS))
    parser.add_argument("--directory", default=None)
    options = parser.parse_args()
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(dir=options.directory) as place:
            measure(Path(place), name, options.jobs)


if __name__ == "__main__":
    main()
