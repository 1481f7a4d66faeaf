"""T6: any calls of clients and supervisors, in any order, do what a small model says.

TORTURE_EXAMPLES makes it longer.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from outlast.core.job import Claim, Step
from outlast.engine.recovery import Recovery
from outlast.storage.sqlite import SqliteStore, supervision
from tests.figures import Figures
from tests.torture.modelled import Jobs

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "40"))
STEPS = 30
ENOUGH = 300
"""In so many examples a planted fault is found."""


def run(phases: tuple[Phase, ...], examples: int, number: str) -> None:
    machine = seed(int(number))(type("SeededJobs", (Jobs,), {}))
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        phases=phases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


@pytest.mark.timeout(120 + EXAMPLES)
def test_jobs_are_what_the_model_says(figures: Figures) -> None:
    run((Phase.generate, Phase.shrink), EXAMPLES, figures.seed())

    figures.reached("runs", EXAMPLES)


def wakes_paused_jobs(patch: pytest.MonkeyPatch) -> None:
    wake = supervision._WAKE.replace(" AND reason <> 'paused'", "").replace(" INDEXED BY jobs_wake", "")
    patch.setattr(supervision, "_WAKE", wake)
    patch.setattr(SqliteStore, "next_wake_seconds", lambda self: 0)


def takes_late_steps(patch: pytest.MonkeyPatch) -> None:
    save = SqliteStore.save_step

    def save_any(self: SqliteStore, claim: Claim, step: Step) -> None:
        job = self.get(claim.job_id)
        save(self, claim if job is None else job.claim, step)

    patch.setattr(SqliteStore, "save_step", save_any)


def forgets_wishes(patch: pytest.MonkeyPatch) -> None:
    after: Callable[..., Any] = Recovery._after

    def deaf(self: Recovery, job: Any, ending: Any) -> Any:
        return after(self, job._replace(intent=None), ending)

    patch.setattr(Recovery, "_after", deaf)


@pytest.mark.planted
@pytest.mark.parametrize("plant", [wakes_paused_jobs, takes_late_steps, forgets_wishes])
def test_the_model_sees_a_planted_fault(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)

    with pytest.raises(AssertionError):
        run((Phase.generate,), ENOUGH, "1")
