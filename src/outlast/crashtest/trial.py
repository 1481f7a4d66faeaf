"""The trial: jobs are submitted all the time, and at random moments something is killed."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep

from outlast.arena import LOOK_SECONDS, kill
from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.crashtest.arena import Arena, Client
from outlast.crashtest.claims import Verdict, judge_ends, judge_steps, read_diary

BUILT_IN = "outlast.crashtest.work:trial"
BACKLOG = 5
SETTLE_SECONDS = 60.0
REFERENCE_SECONDS = 120.0
_ROLES = {"job": 5, "supervisor": 3, "client": 1, "everything": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is tried: for how long, which job (what follows `outlast submit`; none: our own), and by which dice."""

    seconds: float
    command: Sequence[str]
    seed: str
    pause_seconds: float = 0.25


@dataclass(slots=True)
class Stand:
    """How far it is."""

    accepted: int = 0
    ended: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    deaths: int = 0


class Trial:
    """One run in one arena."""

    def __init__(self, arena: Arena, plan: Plan, watch: Callable[[Stand], None]) -> None:
        self._arena = arena
        self._plan = plan
        self._watch = watch
        self._chance = Random(plan.seed)
        self._client: Client | None = None
        self._accepted: list[str] = []
        self._next = 0
        self._ended = 0
        self._looked = 0.0
        self.stand = Stand()

    def run(self) -> Verdict:
        """Do everything; return the verdict."""
        reference = self._reference()
        until, strike_at = monotonic() + self._plan.seconds, monotonic() + self._pause()
        while monotonic() < until:
            self._keep_submitting()
            if monotonic() >= strike_at:
                self._strike()
                strike_at = monotonic() + self._pause()
            sleep(LOOK_SECONDS)
        self._settle()
        return self._judge(reference)

    def _reference(self) -> str:
        """Run the job once without a kill; return how it ends. Raise UsageError if it cannot be submitted."""
        accepted, said = self._arena.submit(self._command("reference"), "reference").answer()
        if not accepted:
            raise UsageError("The job cannot be submitted.", said.removeprefix("Error: ") or "Try outlast submit.")
        deadline = monotonic() + REFERENCE_SECONDS
        while monotonic() < deadline:
            job = self._arena.service.find("reference")
            if job.status.is_end:
                return _end_of(job)
            self._arena.wake()
            self._watch(self.stand)
            sleep(5 * LOOK_SECONDS)
        raise UsageError(f"The job takes longer than {REFERENCE_SECONDS:.0f} s.", "Try one that takes a few seconds.")

    def _command(self, name: str) -> list[str]:
        if self._plan.command:
            return list(self._plan.command)
        return [BUILT_IN, f"diary={self._diary}", f"name={name}"]

    @property
    def _diary(self) -> Path:
        return self._arena.directory / "diary"

    def _pause(self) -> float:
        return self._chance.uniform(0.2, 1.8) * self._plan.pause_seconds

    def _keep_submitting(self) -> None:
        if self._client is not None and self._client.is_over:
            self._take_answer()
        if monotonic() - self._looked > 5 * LOOK_SECONDS:
            self._looked = monotonic()
            self._count()
        if self._client is None and len(self._accepted) - self._ended < BACKLOG:
            name = f"job-{self._next}"
            self._client = self._arena.submit(self._command(name), name)

    def _take_answer(self) -> None:
        """Note an accepted job; what was not accepted is submitted again under the same key."""
        assert self._client is not None
        accepted, _ = self._client.answer()
        if accepted:
            self._accepted.append(self._client.name)
            self._next += 1
        self._client = None

    def _count(self) -> None:
        self._ended = sum(job.status.is_end and job.key != "reference" for job in self._arena.jobs())
        self._arena.wake()
        self.stand.accepted, self.stand.ended = len(self._accepted), self._ended
        self._watch(self.stand)

    def _strike(self) -> None:
        role = self._chance.choices(list(_ROLES), list(_ROLES.values()))[0]
        running, supervisor = self._arena.running(), self._arena.supervisor()
        victims = {
            "job": [self._chance.choice(running)] if running else [],
            "supervisor": [supervisor] if supervisor else [],
            "everything": [*running, *([supervisor] if supervisor else [])],
        }.get(role, [])
        if role in ("client", "everything") and self._client is not None and not self._client.is_over:
            self._client.kill()
            self.stand.kills["client"] += 1
        if victims:
            kill(victims)
            self.stand.kills["supervisor"] += supervisor in victims
            deaths = sum(victim in victims for victim in running)
            self.stand.kills["job"] += deaths
            self.stand.deaths += deaths

    def _settle(self) -> None:
        """Kill nothing more, and wait until everything that was accepted has ended."""
        deadline = monotonic() + SETTLE_SECONDS
        while monotonic() < deadline:
            if self._client is not None:
                self._take_answer()
            self._count()
            if self._ended >= len(self._accepted) and not self._unfinished():
                return
            sleep(5 * LOOK_SECONDS)

    def _unfinished(self) -> list[Job]:
        return [job for job in self._arena.jobs() if not job.status.is_end]

    def _judge(self, reference: str) -> Verdict:
        verdict = Verdict()
        jobs = {job.key: job for job in self._arena.jobs()}
        left = self._arena.dismiss()
        judge_ends(
            verdict,
            {name: _end_of(jobs[name]) if name in jobs else "is not there" for name in self._accepted},
            reference,
        )
        if self._plan.command:
            verdict.unchecked |= {"redone", "alone"}  # only our own job says outside what it does
        else:
            judge_steps(verdict, read_diary(self._diary.read_text()), self.stand.deaths)
        verdict.faults["sound"] += self._arena.problems()
        if sys.platform != "linux":  # elsewhere processes cannot be found by their environment
            verdict.unchecked.add("clean")
        verdict.faults["clean"] += [f"process {pid} is left" for pid in left]
        verdict.faults["clean"] += [f"{path} is left" for path in self._arena.data_dir.rglob("*.tmp")]
        return verdict


def _end_of(job: Job) -> str:
    reason = f" ({job.reason})" if job.reason else ""
    return f"{job.status}{reason}" if job.status.is_end else f"is still {job.status}{reason}"
