"""Random kill -9 of workers, judged from outside: `python -m bench.peers.strike NAME [--kills N] [--seed N]`.

A client submits jobs of five steps all the time and remembers which were accepted. A worker, or one of its processes,
is killed again and again; what died is started again at once, as a service manager would, and the next kill comes at a
random moment after a process that is new has begun a step. Each job says in a file outside which step began and which
was done. At the end everything has a minute to settle. Then

    lost      accepted, and not ended by then
    redone    steps that ran to their end again, of which at most one for each kill is a fair price
    twice     jobs that two processes ran at the same time
    after     jobs that ran again after their end
"""

import argparse
import json
import os
import random
import tempfile
import time
from functools import partial
from pathlib import Path

from bench.peers import ground
from bench.peers.judging import judged
from bench.peers.measure import opened
from bench.peers.subject import Subject

STEPS = 5
SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.05
COME_BACK_SECONDS = 10.0
"""So long is waited for a new process to begin a step; then the next kill comes anyway."""
BACKLOG = 6


class Diary:
    """What the jobs have said so far."""

    def __init__(self) -> None:
        self.text = ""
        self.did = False
        self.ended: set[str] = set()
        self.processes: set[str] = set()
        self._offset = 0

    def read(self) -> None:
        """Take in the whole lines that came since."""
        path = ground.place() / "diary"
        if not path.exists():
            return
        with open(path) as file:
            file.seek(self._offset)
            new = file.read()
        new = new[: new.rfind("\n") + 1]
        self._offset += len(new)
        self.text += new
        for word, job, _, pid in map(str.split, new.splitlines()):
            self.processes.add(pid)
            self.did = self.did or word == "did"
            if word == "end":
                self.ended.add(job)


class Torture:
    """One run against one subject."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self._subject = subject
        self._chance = random.Random(seed)
        self._diary = Diary()
        self._backlog = BACKLOG
        self.accepted: list[str] = []
        self.killed = 0

    def run(self, kills: int) -> None:
        """Submit and kill, then let it settle."""
        self._subject.work()
        ground.wait_until(self._has_begun, 60, LOOK_SECONDS)
        while self.killed < kills:
            self._submit()
            known = set(self._diary.processes)
            self._strike()
            self._subject.work()
            if not ground.wait_until(partial(self._has_new, known), COME_BACK_SECONDS, LOOK_SECONDS):
                self._backlog += 1  # jobs that nobody takes up again must not keep others away
            ground.wait_until(lambda: False, self._chance.uniform(0.0, 0.3))
        self._settle()

    def _has_begun(self) -> bool:
        self._submit()
        return self._diary.did

    def _has_new(self, known: set[str]) -> bool:
        self._submit()
        return bool(self._diary.processes - known)

    def _submit(self) -> None:
        self._diary.read()
        while len(self.accepted) - len(self._diary.ended) < self._backlog:
            name = f"job-{len(self.accepted)}"
            self._subject.submit_steps(name, STEPS)
            self.accepted.append(name)

    def _strike(self) -> None:
        worker = self._chance.choice(self._subject.workers)
        below = ground.children(worker.pid)
        if below and self._chance.random() < 0.7:
            victim = self._chance.choice(below)
            try:
                os.kill(victim, 9)
            except ProcessLookupError:
                return
        else:
            ground.kill(worker)
        self.killed += 1

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline and len(self._diary.ended) < len(self.accepted):
            self._subject.work()
            ground.wait_until(lambda: False, 0.2)
            self._diary.read()

    def verdict(self) -> dict[str, int]:
        """Return the figures."""
        self._diary.read()
        return {"accepted": len(self.accepted), "kills": self.killed, **judged(self.accepted, self._diary.text)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outlast-bench-", ignore_cleanup_errors=True) as place:
        subject = opened(options.name, Path(place))
        torture = Torture(subject, options.seed)
        try:
            torture.run(options.kills)
        finally:
            subject.close()
        told = {"name": options.name, "title": subject.title(), "seed": options.seed, **torture.verdict()}
    print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
