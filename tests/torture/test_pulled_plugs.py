"""T3b: real power cuts on real file systems while clients submit, jobs run steps and checklists are completed.

TORTURE_CUTS is the number of cuts on each file system. Needs root, for loop devices.
"""

import os
from pathlib import Path

import pytest

from tests.disks import LoopDisk
from tests.figures import Figures
from tests.torture.plugs import PulledPlugs
from tests.torture.strikes import Plan

CUTS = int(os.environ.get("TORTURE_CUTS", "2"))
MOST_PLANTED_CUTS = 20


@pytest.mark.timeout(180 + 20 * CUTS)
@pytest.mark.parametrize("loop_disk", ["ext4", "xfs"], indirect=True)
def test_a_power_cut_loses_nothing_that_was_acknowledged(loop_disk: LoopDisk, tmp_path: Path, figures: Figures) -> None:
    plugs = PulledPlugs(loop_disk, tmp_path / "outside", Plan(seed=figures.seed(), kills=CUTS))

    for _ in range(CUTS):
        plugs.cut()
        assert plugs.lost == []
    findings = plugs.settle()

    figures.reached("cuts", plugs.cuts.total())
    figures.reached("promises", plugs.promises)
    print(dict(plugs.cuts), f"{findings.repeated} steps repeated, {plugs.killed['job']} job processes lost")
    print(plugs.too_late, "acknowledged while the power went, and lost")
    assert findings.faults == []


@pytest.mark.planted
@pytest.mark.parametrize("loop_disk", ["ext4"], indirect=True)
def test_the_oracle_sees_commits_that_were_not_flushed(loop_disk: LoopDisk, tmp_path: Path, figures: Figures) -> None:
    plan = Plan(seed=figures.seed(), kills=MOST_PLANTED_CUTS, fault="relaxed")
    plugs = PulledPlugs(loop_disk, tmp_path / "outside", plan)

    for _ in range(MOST_PLANTED_CUTS):
        plugs.cut()
        if plugs.lost:
            break

    plugs.end()
    assert plugs.lost != []
