"""T1: kill -9 of clients, supervisors and job processes at random moments; nothing acknowledged is lost or redone.

TORTURE_SEED and TORTURE_KILLS replay a run or make it longer: TORTURE_KILLS=20000 ./run test tests/torture.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.figures import Figures
from tests.torture.catching import caught
from tests.torture.oracle import Findings
from tests.torture.strikes import Plan, Torture

KILLS = int(os.environ.get("TORTURE_KILLS", "150"))


def tell(torture: Torture, findings: Findings) -> None:
    print(f"{findings.jobs} jobs, {findings.steps_done} steps")
    print(f"{findings.repeated} repeated, and {findings.short_repeated} of the short ones")
    print(f"killed {dict(torture.killed)}, {torture.inside_steps} inside a step")
    print(f"settled in {torture.settled_after:.1f} s")
    print(f"ghosts {dict(torture.ghosts)}")


@pytest.mark.timeout(120 + KILLS)
def test_nothing_acknowledged_is_lost_or_redone_under_random_kills(
    data_dir: Path, tmp_path: Path, figures: Figures
) -> None:
    seed = figures.seed()
    torture = Torture(data_dir, tmp_path / "outside", Plan(seed=seed, kills=KILLS, inside=KILLS // 3))

    findings = torture.run()

    tell(torture, findings)
    figures.reached("kills", torture.killed.total())
    figures.reached("jobs", findings.jobs)
    assert findings.faults == []
    assert torture.inside_steps >= KILLS // 3
    assert 0 < findings.repeated <= torture.killed["job"]
    assert torture.ghosts["refused"] > 0
    assert torture.ghosts["welcome"] == 0


def plan_for(fault: str, seed: str) -> Plan:
    """Return a short torture under which this fault shows."""
    plan = Plan(seed=seed, kills=5, weights={"answered": 1}, pause_seconds=0.3, burst=0, fault=fault)
    match fault:
        case "no_attempt_check":
            return replace(plan, weights={"job": 1}, ghost_share=1.0)
        case "no_adoption":
            return replace(plan, weights={"supervisor": 1}, long_share=0.7)
    return plan


@pytest.mark.planted
@pytest.mark.parametrize(
    ("fault", "shows_as"),
    [("answer_before_commit", {"lost", "redone"}), ("no_attempt_check", {"lost"}), ("no_adoption", {"redone"})],
)
def test_the_oracle_sees_a_planted_fault(
    data_dir: Path, tmp_path: Path, figures: Figures, fault: str, shows_as: set[str]
) -> None:
    seed = figures.seed()

    def shows(number: int) -> bool:
        plan = plan_for(fault, f"{seed}-{number}" if number else seed)
        torture = Torture(data_dir / str(number), tmp_path / f"outside-{number}", plan)
        findings = torture.run()
        tell(torture, findings)
        return any(getattr(findings, kind) for kind in shows_as)

    assert caught(shows)
