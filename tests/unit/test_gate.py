"""The gate runs every stage, shows what failed, and ends with its verdict."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate import STAGES, Stage, run_stages

ROOT = Path(__file__).resolve().parents[2]


def stage(name: str, program: str, *, live: bool = False) -> Stage:
    return Stage(name=name, command=(sys.executable, "-c", program), live=live)


def test_a_passing_gate_says_each_stage_with_its_seconds(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stages = [stage("lint", "print('all fine')"), stage("tests", "print('3 passed')", live=True)]

    code = run_stages(stages, tmp_path)

    lines = capfd.readouterr().out.splitlines()
    assert code == 0
    assert lines[0].startswith("gate: lint ok (0.")
    assert lines[1:3] == ["gate: tests ...", "3 passed"]
    assert lines[3].startswith("gate: tests ok (")
    assert lines[4].startswith("gate: passed in ")
    assert len(lines) == 5


def test_a_failing_stage_shows_its_output_and_the_others_run_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = "import sys; print('line 3 is wrong'); print('and 4', file=sys.stderr); sys.exit(2)"

    code = run_stages([stage("lint", bad), stage("tests", "print('3 passed')", live=True)], tmp_path)

    out = capfd.readouterr().out
    assert code == 1
    assert "gate: lint FAILED (" in out
    assert "line 3 is wrong" in out
    assert "and 4" in out
    assert out.index("and 4") < out.index("3 passed")
    assert out.splitlines()[-1].endswith(": lint")
    assert out.splitlines()[-1].startswith("gate: FAILED in ")


def test_failing_tests_fail_the_gate(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_stages([stage("tests", "raise SystemExit(1)", live=True)], tmp_path) == 1
    assert "gate: FAILED" in capfd.readouterr().out


def test_stages_run_in_the_project(tmp_path: Path) -> None:
    run_stages([stage("lint", "open('here', 'w').close()")], tmp_path)

    assert (tmp_path / "here").exists()


def test_pytest_comes_last_and_alone_is_shown_live() -> None:
    assert [stage.name for stage in STAGES] == ["format", "lint", "types", "tests"]
    assert [stage.name for stage in STAGES if stage.live] == ["tests"]


def test_with_arguments_only_pytest_runs_with_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.gate", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0
    assert (done.stdout + done.stderr).startswith("pytest ")
    assert "gate:" not in done.stdout
