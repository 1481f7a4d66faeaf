"""`outlast state run`: accounts in processes of their own, whatever one of them does."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from outlast import JobState
from outlast.core.errors import NotImportable, UsageError
from outlast.jobstate.runner import Event
from tests.cli.shell import PROGRAM, Shell
from tests.leftovers import children
from tests.waiting import eventually

ACTS_PY = """
import asyncio, os, signal, sys, threading

def do(account, activity):
    print(f"{account} does {activity}")
    with open("diary", "a") as diary:
        diary.write(f"{account} {activity}\\n")
    if activity == "raise":
        raise ValueError("no good")
    if activity == "crash" and account == "bob":
        os.kill(os.getpid(), signal.SIGSEGV)
    if activity == "exit" and account == "bob":
        os._exit(3)
    if activity == "leave":
        sys.exit("enough")
    if activity == "hang" and account == "bob":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Event().wait()
    if activity == "wait":
        threading.Event().wait()

async def later(account, activity):
    await asyncio.wait_for(asyncio.Event().wait(), 0.001)

def child(account, activity):
    if os.fork() == 0:
        threading.Event().wait()
    os.kill(os.getpid(), signal.SIGKILL)

answer = 42
"""
WHERE = ("--dir", "state", "--type", "daily", "--date", "2025-09-20")


@pytest.fixture
def acts(shell: Shell) -> Shell:
    (shell.directory / "acts.py").write_text(ACTS_PY)
    return shell


def history(shell: Shell) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return what is completed and what failed, by account."""
    found = JobState(dir=shell.directory / "state").history()
    return {entry.account: (list(entry.completed), dict(entry.failed)) for entry in found}


def diary(shell: Shell) -> list[str]:
    return (shell.directory / "diary").read_text().splitlines()


def test_every_account_does_what_remains(acts: Shell) -> None:
    words = ("state", "run", "acts.py:do", "--accounts", "alice,bob", "--activities", "a,b", *WHERE)

    said = acts.outlast(*words, code=0)
    again = acts.outlast(*words, "--json", code=0)

    assert history(acts) == {"alice": (["a", "b"], {}), "bob": (["a", "b"], {})}
    assert sorted(diary(acts)) == ["alice a", "alice b", "bob a", "bob b"]
    assert "alice | alice does a" in said.err
    assert said.out.splitlines()[-1] == "4 completed, 0 failed, 2 accounts"
    assert again.object["ok"] is True
    assert [each["completed"] for each in again.object["accounts"]] == [[], []]


def test_a_crash_or_a_hang_stops_no_other_account_and_no_other_activity(acts: Shell) -> None:
    activities = "a,raise,crash,exit,leave,hang,z"

    said = acts.outlast(
        *("state", "run", "acts.py:do", "--accounts", "alice,bob,carol", "--activities", activities),
        *("--timeout", "1s", "-c", "2", "--json", *WHERE),
        code=1,
    )

    raised = {"raise": "ValueError: no good", "leave": "RuntimeError: it called sys.exit('enough')"}
    fine = (["a", "crash", "exit", "hang", "z"], raised)
    crashed = {"crash": "killed by SIGSEGV", "exit": "exit code 3", "hang": "timeout after 1 s"}
    assert history(acts) == {"alice": fine, "carol": fine, "bob": (["a", "z"], {**raised, **crashed})}
    assert [each["crashes"] for each in said.object["accounts"]] == [0, 3, 0]
    assert [each["left"] for each in said.object["accounts"]] == [[], [], []]


def test_only_what_failed_or_one_account(acts: Shell) -> None:
    (acts.directory / "accounts.txt").write_text("# ours\nalice\n\nbob\n")
    (acts.directory / "activities.json").write_text('["a", "raise"]')
    words = ("state", "run", "acts.py:do", "--accounts", "accounts.txt", "--activities", "activities.json", *WHERE)
    acts.outlast(*words, code=1)
    JobState(dir=acts.directory / "state").open("alice", "daily", ["a", "raise", "b"], "2025-09-20")

    told = acts.outlast(*words, "--only", "failed", "--account", "alice", "--json", code=1).object

    assert [(each["account"], list(each["failed"])) for each in told["accounts"]] == [("alice", ["raise"])]
    assert sorted(diary(acts)) == ["alice a", "alice raise", "alice raise", "bob a", "bob raise"]
    assert acts.outlast(*words, "--account", "carol", code=4).err


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("acts.py:nothing", "has no 'nothing'"),
        ("acts.py:answer", "is no function"),
        ("nowhere.py:do", "There is no file"),
        ("nowhere:do", "cannot be imported"),
        ("acts", "names no function"),
    ],
)
def test_a_target_that_is_none_is_told_once(acts: Shell, target: str, words: str) -> None:
    said = acts.outlast("state", "run", target, "--accounts", "a,b", "--activities", "x", *WHERE, "--json", code=2)

    assert words in said.error["message"]


@pytest.mark.parametrize("words", [("--accounts", "no.txt"), ("--accounts", ","), ("--accounts", "a,a"), ()])
def test_accounts_that_are_none_are_refused(acts: Shell, words: tuple[str, ...]) -> None:
    acts.outlast("state", "run", "acts.py:do", *words, "--activities", "x", *WHERE, code=2)

    assert not (acts.directory / "state").exists()


def test_on_a_terminal_there_is_a_bar(acts: Shell) -> None:
    said = acts.on_terminal("state", "run", "acts.py:do", "--accounts", "alice", "--activities", "a,raise", *WHERE)

    assert said.code == 1
    assert "2/2" in said.out
    assert "alice: raise failed: ValueError: no good" in said.out


def started(shell: Shell, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [PROGRAM, "state", "run", *words, *WHERE],
        cwd=shell.directory,
        env=shell._environment(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_stops_cleanly(acts: Shell) -> None:
    process = started(acts, "acts.py:do", "--accounts", "alice,bob,carol", "--activities", "a,wait,z", "-c", "2")
    eventually(lambda: (acts.directory / "diary").exists() and len(diary(acts)) == 4, timeout=30, what="two to wait")

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Interrupted: 2 completed" in out
    assert {account: completed for account, (completed, _) in history(acts).items()} == {"alice": ["a"], "bob": ["a"]}
    assert all(not entry.interrupted for entry in JobState(dir=acts.directory / "state").history())


def test_one_that_does_not_stop_is_killed(acts: Shell) -> None:
    acts.environment["OUTLAST_GRACE"] = "300ms"
    before = children()
    process = started(acts, "acts.py:do", "--accounts", "bob", "--activities", "hang")
    eventually(lambda: (acts.directory / "diary").exists(), timeout=30, what="the activity")

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 130
    eventually(lambda: not children() - before, timeout=5, what="the killed process to be gone")


def test_a_run_that_is_killed_leaves_no_process(acts: Shell) -> None:
    process = started(acts, "acts.py:do", "--accounts", "alice,bob", "--activities", "wait", "-c", "2")
    eventually(lambda: (acts.directory / "diary").exists() and len(diary(acts)) == 2, timeout=30, what="both to wait")

    process.kill()
    process.communicate()

    state = JobState(dir=acts.directory / "state")
    eventually(lambda: not any(entry.doing for entry in state.history()), timeout=10, what="both to end")


def test_what_a_dead_process_had_started_is_ended(acts: Shell) -> None:
    acts.outlast("state", "run", "acts.py:child", "--accounts", "a", "--activities", "x", *WHERE, code=1)

    assert history(acts) == {"a": ([], {"x": "killed by SIGKILL"})}


def for_python(account: str, activity: str) -> None:
    with Path(os.environ["DIARY"]).open("a") as file:
        file.write(f"{account} {activity}\n")
    if activity == "raise":
        raise ValueError(account)


def test_the_same_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIARY", str(tmp_path / "diary"))
    state = JobState(dir=tmp_path / "state", timezone="UTC")
    events: list[Event] = []

    report = state.run(
        for_python, accounts=["alice", "bob"], type="daily", activities=["a", "raise"], on_event=events.append
    )

    assert not report.ok
    assert [(run.account, run.completed, run.failed) for run in report.accounts] == [
        (account, ["a"], {"raise": f"ValueError: {account}"}) for account in ("alice", "bob")
    ]
    assert {event.event for event in events} == {"todo", "begin", "complete", "fail", "end"}
    assert len((tmp_path / "diary").read_text().splitlines()) == 4
    assert threading.active_count() == 1
    json.dumps(report.as_json())


@pytest.mark.parametrize(
    "wrong", [{"only": "all"}, {"concurrency": 0}, {"concurrency": True}, {"timeout": 0}, {"accounts": "alice"}]
)
def test_python_is_told_what_makes_no_sense(tmp_path: Path, wrong: dict[str, object]) -> None:
    state = JobState(dir=tmp_path / "state")
    words = {"accounts": ["a"], "type": "t", "activities": ["x"], **wrong}

    with pytest.raises(UsageError):
        state.run(for_python, **words)  # type: ignore[arg-type]
    with pytest.raises(NotImportable):
        state.run(lambda account, activity: None, accounts=["a"], type="t", activities=["x"])
    with pytest.raises(UsageError):
        JobState(enabled=False).run(for_python, accounts=["a"], type="t", activities=["x"])
