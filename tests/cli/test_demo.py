"""The demo tells the truth: it passes on the real thing, and fails when what it shows does not happen."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from outlast.clients.render.text import width_of
from outlast.demo.activities import NAMES
from outlast.demo.claims import CLAIMS, Report, Witness
from outlast.demo.puzzles import KNOWN, SECONDS, choose
from outlast.pow import rules
from tests.cli.screens import check_screen
from tests.cli.shell import Said, Shell

IN_JOB_PROCESSES = """
import os
if "OUTLAST_BOOT" in os.environ:
    from outlast.engine.jobside.context import Context
    from outlast.jobstate.book import Book
    from outlast.jobstate.checklist import Activity, Checklist
    from outlast.jobstate.state import JobState
"""
SAVES_NOTHING = (
    IN_JOB_PROCESSES
    + """
    Context.take_unsaved = lambda self: {}
    Context._save_step = lambda self, *args: None
    JobState._new_book = lambda self, title: Book(title, self._now_text)
"""
)
FORGETS = (
    IN_JOB_PROCESSES
    + """
    begin = Context.__init__
    def forget(self, channel, run, steps):
        begin(self, channel, {**run, "cursor": None} if run["attempt"] == 2 else run, {})
    Context.__init__ = forget
    Checklist.remaining = property(lambda self: list(self._names))
    Activity._refuse_if_done = lambda self: None
"""
)


@pytest.fixture
def temporary(shell: Shell, tmp_path: Path) -> Path:
    """Return the directory that the demo takes for /tmp."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    shell.environment["TMPDIR"] = str(directory)
    return directory


def plant(shell: Shell, tmp_path: Path, fault: str) -> None:
    """Let every Python process of the shell run `fault` before anything else."""
    directory = tmp_path / "planted"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(fault)
    shell.environment["PYTHONPATH"] = str(directory)


def failed_claims(said: Said) -> list[str]:
    return [claim["id"] for claim in said.object["claims"] if not claim["holds"]]


def evidence(said: Said, name: str) -> dict[str, Any]:
    [found] = [claim["evidence"] for claim in said.object["claims"] if claim["id"] == name]
    assert isinstance(found, dict)
    return found


def test_the_demo_kills_resumes_and_checks_every_claim(shell: Shell, temporary: Path) -> None:
    said = shell.outlast("demo", "--json", code=0)

    told = said.object
    assert told["ok"] is True
    assert [claim["id"] for claim in told["claims"]] == list(CLAIMS)
    assert all(claim["holds"] is True and claim["evidence"] for claim in told["claims"])
    assert told["seconds"] < 60
    roles = [kill["role"] for kill in told["kills"]]
    assert roles.count("supervisor") == 2
    assert roles.count("job process") >= 3
    for kill in told["kills"]:
        assert kill["pid"] > 0
        assert kill["nonce_after"] >= kill["nonce_before"]
        assert kill["steps_after"] >= kill["steps_before"] >= 4
        assert (kill["nonce_after"], kill["steps_after"]) != (kill["nonce_before"], kill["steps_before"])
    assert evidence(said, "search")["attempts_began_at"] == [0, *evidence(said, "search")["saved_at_kill"]]
    assert {job["status"] for job in told["jobs"].values()} == {"completed"}
    assert list(told["checklist"]) == ["date", "account", "type", "completed", "remaining", "lastUpdate"]
    assert (sorted(told["checklist"]["completed"]), told["checklist"]["remaining"]) == (sorted(NAMES), [])
    assert told["checklist"]["completed"] == evidence(said, "ten")["activities"]
    assert list(temporary.iterdir()) == []
    assert not shell.data_dir.exists()


def test_without_saves_the_demo_fails_and_names_the_claim(shell: Shell, tmp_path: Path, temporary: Path) -> None:
    plant(shell, tmp_path, SAVES_NOTHING)

    said = shell.outlast("demo", "--json", code=1)

    assert said.object["ok"] is False
    assert said.object["kills"] == []
    assert failed_claims(said) == [claim for claim in CLAIMS if claim != "clean"]
    assert "4 activities: not seen" in evidence(said, "saved")["missed"]
    assert "not_checked" in evidence(said, "proof")
    assert list(temporary.iterdir()) == []


def test_jobs_that_forget_what_is_saved_are_caught_from_outside(shell: Shell, tmp_path: Path, temporary: Path) -> None:
    plant(shell, tmp_path, FORGETS)

    said = shell.outlast("demo", "--json", code=1)

    assert {"search", "redone"} <= set(failed_claims(said))
    assert evidence(said, "search")["attempts_began_at"][:2] == [0, 0]
    assert {"check-in", "read-mail", "quiz-1", "quiz-2"} <= set(evidence(said, "redone")["finished_and_redone"])
    assert list(temporary.iterdir()) == []


def test_on_a_terminal_there_is_a_live_line_and_everything_fits(shell: Shell, tmp_path: Path, temporary: Path) -> None:
    plant(shell, tmp_path, SAVES_NOTHING)

    said = shell.on_terminal("demo", "--keep")

    assert said.code == 1
    lines = [piece for line in said.out.splitlines() for piece in line.replace("\x1b[2K", "").split("\r")]
    assert any("waiting for 4 activities" in line for line in lines)
    assert max(width_of(line) for line in lines if str(temporary) not in line) <= 80
    assert "Not true: Both jobs saved how far they were" in said.out
    assert "Not checked: The killed search went on" in said.out
    assert "Not true: No process of the demo is left" not in said.out
    [kept] = temporary.iterdir()
    assert (kept / "data" / "jobs" / "jobs.db").exists()
    assert f"Its files: {kept}" in said.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(shell: Shell, temporary: Path, number: signal.Signals) -> None:
    with shell.started("demo") as process:
        assert process.stdout is not None
        seen = ""
        while "SIGKILL" not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        os.kill(process.pid, number)
        process.communicate()

    assert process.returncode == 130
    assert list(temporary.iterdir()) == []


def test_the_help(shell: Shell) -> None:
    check_screen("help-demo", shell.outlast("demo", "-h", code=0).out)


def test_a_place_of_ones_own_is_refused(shell: Shell) -> None:
    said = shell.outlast("demo", "--data-dir", "here", "--json", code=2)

    assert said.error["code"] == "usage"
    assert not (shell.directory / "here").exists()


@pytest.mark.parametrize("rate", [1.0, 600_000.0, 3e6, 1e12])
def test_the_search_is_long_enough_where_there_is_one(rate: float) -> None:
    known = choose(rate)

    assert known.hit >= rate * SECONDS or known == KNOWN[-1]
    assert known == KNOWN[0] or known.hit < rate * SECONDS * 1.6


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_the_known_hits_are_proofs_that_the_job_would_accept(known: Any) -> None:
    assert known.request.zeros_at(6700) == 6
    assert rules.meets(rules.hash_of(known.request.puzzle(1000).prefix, known.hit), 6)


def test_the_witness_tells_redone_from_in_flight() -> None:
    lines = ["a 1 7", "b 1 7", "c 1 7", "c 2 8", "a 2 8"]

    witness = Witness(lines)

    assert witness.repeated() == ["a", "c"]
    assert witness.redone([(3, ("a", "b"))]) == ["a"]
    assert witness.redone([(5, ("a", "b", "c"))]) == []


def test_a_claim_that_was_false_once_stays_false() -> None:
    report = Report()

    report.judge("search", False, began=0)
    report.judge("search", True, began=5)

    assert report.verdict("search").holds is False
    assert report.holds is False
    assert len(set(NAMES)) == len(NAMES) == 10
    assert re.fullmatch(r"\{.*\}", json.dumps(report.as_json()))
