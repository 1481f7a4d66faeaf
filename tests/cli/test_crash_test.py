"""`outlast crash-test` passes on the real thing, and says so when work is redone or lost."""

import os
from pathlib import Path

import pytest

from outlast.crashtest.claims import CLAIMS, Verdict, judge_ends, judge_steps, read_diary
from tests.cli.shell import Said, Shell
from tests.leftovers import children

FORGETS_STEPS = """
import os
if "OUTLAST_BOOT" in os.environ:
    from outlast.engine.jobside.context import Context
    begin = Context.__init__
    Context.__init__ = lambda self, channel, run, steps: begin(self, channel, run, {})
"""


def tried(shell: Shell, *words: str) -> Said:
    shell.environment.pop("JOBS_DATA_DIR", None)
    return shell.outlast("crash-test", "--seed", "1", *words)


def holding(said: Said) -> dict[str, bool | None]:
    return {claim["id"]: claim["holds"] for claim in said.object["claims"]}


def test_what_is_killed_goes_on_and_nothing_is_left(shell: Shell) -> None:
    before = children()

    said = tried(shell, "--seconds", "4s", "--json")

    told = said.object
    assert said.code == 0, told
    assert told["ok"]
    assert holding(said) == dict.fromkeys(CLAIMS, True)
    assert told["accepted"] > 0
    assert sum(told["kills"].values()) > 0
    assert told["steps"] > 0
    assert not [name for name in os.listdir(shell.directory) if name.startswith("outlast-crash-test")]
    assert not children() - before


def test_a_job_of_ones_own_is_tried(shell: Shell) -> None:
    said = tried(shell, "--seconds", "2s", "jobs.py:count", "n=2")

    assert said.code == 0, said.out + said.err
    assert "✓ Nothing that was accepted is lost." in said.out
    assert "Not checked" in said.out
    assert said.out.endswith("All that was checked is true.\n")


def test_steps_that_run_again_are_noticed_and_the_files_stay(shell: Shell, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text(FORGETS_STEPS)
    shell.environment["PYTHONPATH"] = str(planted)

    # Where it shows is a moment: on a busy machine a job process may not be killed behind a step in one run.
    runs = (tried(shell, "--seconds", "5s", "--json", "--seed", str(seed)) for seed in range(1, 9))
    said = next(said for said in runs if said.code)

    assert said.code == 1
    assert not holding(said)["redone"]
    assert holding(said)["lost"]
    assert (Path(said.object["directory"]) / "diary").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--seconds", "soon"), "not a duration"),
        (("--dir", "nowhere"), "cannot be used"),
        (("nowhere.py:nothing",), "cannot be submitted"),
        (("--data-dir", "data"), "a store of its own"),
    ],
)
def test_what_cannot_be_tried_is_told(shell: Shell, words: tuple[str, ...], says: str) -> None:
    said = tried(shell, "--seconds", "1s", *words) if words[0] != "--seconds" else tried(shell, *words)

    assert said.code == 2
    assert says in said.err
    assert "Traceback" not in said.err


DIARIES = {
    "as it should be": ("in a 0 1\ndid a 0 1\nin a 1 1\nin a 1 2\ndid a 1 2\n", None),
    "again after the next one began": ("in a 0 1\ndid a 0 1\nin a 1 1\nin a 0 2\ndid a 0 2\n", "redone"),
    "more often than anything died": ("in a 0 1\ndid a 0 1\nin a 0 1\ndid a 0 1\nin a 0 1\ndid a 0 1\n", "redone"),
    "by an attempt that is over": ("in a 0 1\nin a 0 2\ndid a 0 1\n", "alone"),
}


@pytest.mark.parametrize("what", DIARIES)
def test_a_diary_is_judged(what: str) -> None:
    text, claim = DIARIES[what]
    verdict = Verdict()

    judge_steps(verdict, read_diary(text + "in a"), 1)

    assert [name for name, faults in verdict.faults.items() if faults] == ([claim] if claim else [])


def test_an_end_that_is_not_the_usual_one_is_a_loss() -> None:
    verdict = Verdict()

    judge_ends(verdict, {"a": "completed", "b": "is not there", "c": "failed (error)"}, "completed")

    assert [fault.split()[0] for fault in verdict.faults["lost"]] == ["b", "c"]
    assert not verdict.holds
