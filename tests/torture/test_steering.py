"""Cancels, pauses, resumes and retries at random moments among kills: what was accepted is what happens.

TORTURE_SEED and TORTURE_ACTS replay a run or make it longer.
"""

import os
import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from outlast import Context, job
from outlast.client import Handle
from outlast.core.errors import Conflict
from outlast.core.status import ENDS, Status
from tests import processes
from tests.crash.work import effect, words
from tests.figures import Figures
from tests.waiting import eventually
from tests.workshop import Workshop

ACTS = int(os.environ.get("TORTURE_ACTS", "50"))
JOBS_AT_ONCE = 8
SETTLE_SECONDS = 15.0


@job
def steps(ctx: Context, path: str) -> int:
    for step in range(6):
        ctx.step(str(step), effect, path, str(step))
        threading.Event().wait(0.02)
    return 6


@job(max_attempts=4, backoff="20ms..60ms")
def flaky(ctx: Context, path: str) -> int:
    for step in range(4):
        ctx.step(str(step), effect, path, str(step))
    threading.Event().wait(0.03)
    if ctx.attempt % 2:
        raise ConnectionError("once more")
    return 4


@job
def parks(ctx: Context, path: str) -> int:
    ctx.step("0", effect, path, "0")
    ctx.wait(2.05)
    ctx.step("1", effect, path, "1")
    return 2


@dataclass(slots=True)
class Subject:
    """One job and what was asked of it last."""

    handle: Handle
    notes: Path
    cancelled_at: int | None = None
    asked: list[str] = field(default_factory=list)

    def note(self, word: str) -> None:
        """Remember an act that was accepted; after a cancel no further attempt may begin."""
        told = self.handle.job()
        self.asked.append(f"{word}:{told['status']}:{told['attempts']}")
        if word == "cancel":
            self.cancelled_at = told["attempts"]
        elif word in ("resume", "retry"):  # a pause does not undo a cancel
            self.cancelled_at = None


class Steering:
    """One run: random acts on a few jobs at a time."""

    def __init__(self, workshop: Workshop, directory: Path, chance: random.Random) -> None:
        self.workshop = workshop
        self.directory = directory
        self.chance = chance
        self.subjects: list[Subject] = []
        self.strikes: list[Callable[[], None]] = [self._kill_supervisor, self._kill_job_process]

    def act(self) -> None:
        """Do one random thing."""
        unfinished = [one for one in self.subjects[-3 * JOBS_AT_ONCE :] if one.handle.status() not in ENDS]
        word = self.chance.choice(["cancel", "pause", "resume", "resume", "retry", "strike", "submit", "submit"])
        if word == "submit" or not unfinished:
            if len(unfinished) < JOBS_AT_ONCE:
                self._submit()
        elif word == "strike":
            self.chance.choice(self.strikes)()
        else:
            self._steer(word)
        threading.Event().wait(self.chance.uniform(0, 0.05))

    def _submit(self) -> None:
        notes = self.directory / f"notes-{len(self.subjects)}"
        fn = self.chance.choice([steps, steps, flaky, parks])
        self.subjects.append(Subject(self.workshop.submit(fn, str(notes)), notes))

    def _steer(self, word: str) -> None:
        subject = self.chance.choice(self.subjects[-3 * JOBS_AT_ONCE :])
        try:
            getattr(subject.handle, word)()
        except Conflict:
            return
        subject.note(word)

    def _kill_supervisor(self) -> None:
        for supervisor in processes.supervisors(self.workshop.root):
            supervisor.kill(signal.SIGKILL)

    def _kill_job_process(self) -> None:
        alive = processes.job_processes(self.workshop.root)
        if alive:
            self.chance.choice(alive).kill(signal.SIGKILL)

    def settle(self) -> None:
        """Resume what is paused, and wait until all has ended."""
        self.workshop.submit(steps, str(self.directory / "last")).result(SETTLE_SECONDS)
        for subject in self.subjects:
            eventually(partial(self._rests, subject), timeout=SETTLE_SECONDS, what=f"the end of {subject}")

    def _rests(self, subject: Subject) -> bool:
        told = subject.handle.job()
        if told.get("reason") == "paused":
            subject.handle.resume()
            subject.note("resume")
        return told["status"] in ENDS


@pytest.mark.timeout(120 + ACTS)
def test_what_was_accepted_is_what_happens(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "3")
    monkeypatch.setenv("OUTLAST_MAX_CRASHES", "1000")
    steering = Steering(workshop, tmp_path, random.Random(figures.seed()))

    for _ in range(ACTS):
        steering.act()
    steering.settle()

    figures.reached("acts", ACTS)
    for subject in steering.subjects:
        told = subject.handle.job()
        if subject.cancelled_at is not None:
            assert told["attempts"] == subject.cancelled_at, (subject, workshop.events(subject.handle))
            assert told["status"] in (Status.CANCELLED, Status.COMPLETED, Status.FAILED)
        else:
            assert told["status"] in (Status.COMPLETED, Status.FAILED), (subject, workshop.events(subject.handle))
        done = words(subject.notes)
        crashes = workshop.events(subject.handle).count("crashed")
        ended_early = sum(workshop.events(subject.handle).count(word) for word in ("paused", "cancelled", "put_back"))
        assert len(done) - len(set(done)) <= crashes + ended_early, (subject, done, workshop.events(subject.handle))
    assert workshop.supervisor()
