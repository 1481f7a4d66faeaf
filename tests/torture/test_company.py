"""T18: a second supervisor, commands, doctor, prune and backup at once, under kills; nobody disturbs anybody.

TORTURE_COMPANY_KILLS makes it longer.
"""

import os
from pathlib import Path

import pytest

from tests.figures import Figures
from tests.torture.catching import caught
from tests.torture.company import Company
from tests.torture.strikes import Plan

KILLS = int(os.environ.get("TORTURE_COMPANY_KILLS", "24"))


def told(company: Company, figures: Figures) -> None:
    figures.reached("kills", company.killed.total())
    figures.reached("visits", company.visited.total())
    print(dict(company.visited), dict(company.killed))


@pytest.mark.timeout(180 + 3 * KILLS)
def test_nobody_disturbs_anybody_under_kills(data_dir: Path, tmp_path: Path, figures: Figures) -> None:
    company = Company(data_dir, tmp_path / "outside", Plan(seed=figures.seed(), kills=KILLS))

    findings = company.run()

    told(company, figures)
    assert company.rude == []
    assert findings.faults == []
    assert company.visited.total() > KILLS // 8


@pytest.mark.planted
def test_the_oracle_sees_a_prune_that_takes_too_much(data_dir: Path, tmp_path: Path, figures: Figures) -> None:
    seed = figures.seed()

    def shows(number: int) -> bool:
        plan = Plan(seed=f"{seed}-{number}" if number else seed, kills=15, fault="prunes_kept_jobs")
        company = Company(data_dir / str(number), tmp_path / f"outside-{number}", plan, only="prune")
        findings = company.run()
        told(company, figures)
        return findings.lost != []

    assert caught(shows)
