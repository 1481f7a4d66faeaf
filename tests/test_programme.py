"""The torture programme runs what it says, tells what was reached, and fails when a test fails."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.figures import RECORD_VARIABLE
from tests.programme import COLUMNS, ROOT, markdown_table, run_trial, text_table
from tests.trials import ELSEWHERE, TRIALS, Size, Trial

SOURCE = """
import os
import pytest

def test_that_reaches(figures):
    figures.reached("kills", int(os.environ["TORTURE_EXAMPLE"]))
    figures.seed()

@pytest.mark.planted
def test_that_catches():
    pass

def test_that_may_fail():
    assert os.environ.get("TORTURE_BROKEN") is None

def test_that_is_skipped():
    pytest.skip("needs root")
"""


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Return a trial of four small tests."""
    for name in [name for name in os.environ if name.startswith("TORTURE_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "test_small.py"
    path.write_text(SOURCE)
    size = Size(variables={"TORTURE_EXAMPLE": "1200"}, rounds=2)
    return Trial(name="T0", what="a | b", tests=(str(path), "-p", "tests.figures"), full=size)


def test_a_trial_tells_what_it_reached(trial: Trial) -> None:
    outcome = run_trial(trial, trial.full, "7")

    cells = outcome.cells()
    assert cells[:5] == ("T0", "a | b", "2,400 kills, 6 tests, 2 skipped", "7", "2 of 2")
    assert cells[6] == "passed"
    assert text_table([cells]).splitlines()[0].split("  ")[0] == COLUMNS[0]
    assert r"| T0 | a \| b | 2,400 kills" in markdown_table([cells])


def test_a_trial_fails_with_its_tests(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORTURE_BROKEN", "1")
    monkeypatch.setenv("TORTURE_EXAMPLE", "5")

    outcome = run_trial(trial, trial.full, None)

    assert outcome.verdict == "FAILED"
    assert [name.rpartition("::")[2] for name in outcome.failed] == ["test_that_may_fail"]
    assert dict(outcome.reached) == {"kills": 5}


def test_a_trial_without_tests_fails(trial: Trial) -> None:
    outcome = run_trial(replace(trial, tests=("tests/no_such_file.py",)), trial.quick, None)

    assert outcome.verdict == "FAILED"


@pytest.mark.parametrize(("name", "words"), [("T8", "PostgreSQL store"), ("T99", "no such trial")])
def test_a_trial_that_is_not_here_is_refused_in_words(name: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.programme", "quick", name], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert words in done.stderr


def test_every_trial_has_tests_and_every_torture_is_in_a_trial() -> None:
    named = {word for trial in TRIALS for word in trial.tests if word.startswith("tests/")}

    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "torture").glob("test_*.py")} <= named
    assert {trial.name for trial in TRIALS}.isdisjoint(ELSEWHERE)


def test_every_size_is_read_somewhere() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    variables = {name for trial in TRIALS for size in (trial.quick, trial.full) for name in size.variables}

    assert [name for name in sorted(variables) if not any(f'"{name}"' in text for text in texts)] == []
    assert RECORD_VARIABLE not in variables
