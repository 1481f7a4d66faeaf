"""Every key that a command prints is on the page about JSON, with its type, and every key of the page is printed."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlast import JobState
from outlast.clients.cli.demo_command import _object
from outlast.clients.cli.group import SECTIONS
from outlast.core.job import Event
from outlast.core.status import Reason, Status
from outlast.crashtest.claims import Verdict
from outlast.demo.claims import Kill, Report
from outlast.demo.tour import Outcome
from outlast.storage.sqlite import SqliteStore
from tests.cli.shell import Shell, shell_in
from tests.cli.test_service import stand_in as stand_in_for_systemd
from tests.contract.making import end, parked, process, running, stored, submitted
from tests.docs.json_shapes import JOB_KEYS, Shape, match, shapes
from tests.docs.pages import ROOT
from tests.waiting import eventually
from tests.workshop import Workshop

PAGE = ROOT / "docs" / "json.md"
SHAPES = shapes(PAGE)
SILENT = {"progress", "worker", "mcp"}
WORK = """
import os
from outlast import Context, job

@job(max_attempts=2, backoff="10ms")
def work(ctx: Context):
    ctx.step("first", lambda: {"a": 1})
    for item in ctx.each([1, 2]):
        ctx.progress(done=item, total=2, message="item")
    ctx.checkpoint({"page": 7}, now=True)
    if ctx.attempt == 1:
        os.kill(os.getpid(), 9)
    raise ValueError("no good 1")

@job
def asks(ctx: Context):
    return ctx.ask("Which one?")
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return a shell with a store in which much has happened: all looks share it, and change nothing."""
    directory = tmp_path_factory.mktemp("json")
    with shell_in(directory, directory / "jobs") as shell:
        shell.environment["JOBS_DATA_DIR"] = str(directory / "jobs")
        (directory / "work.py").write_text(WORK)
        del shell.environment["OUTLAST_AUTOSTART"]
        shell.outlast("submit", "work.py:work", "--key", "w", "--wait", code=1)
        shell.outlast("submit", "jobs.py:count", "--key", "p", "--wait", code=0)
        shell.outlast("submit", "work.py:asks", "--key", "asks", code=0)
        eventually(lambda: objects(shell, "answer", "asks")[0]["questions"], timeout=20, what="the question")
        shell.environment["OUTLAST_AUTOSTART"] = "0"
        shell.outlast("submit", "jobs.py:add", "a=1", "--key", "q", code=0)
        shell.outlast("submit", "jobs.py:add", "a=1", "--key", "later", "--delay", "1h", code=0)
        Workshop(directory / "jobs").stop()  # nobody else takes what is claimed now
        stand_in(directory / "jobs")
        yield shell


def stand_in(data_dir: Path) -> None:
    """Let jobs fail alike, poll, and run in a process that is none: they stay as they are."""
    store = SqliteStore(data_dir / "jobs.db")
    store.add_process(process("process-1"))
    running(store)
    job = running(store, kind="many")
    for _ in range(9):
        end(store, job, Status.FAILED)
        job = running(store, kind="many")
    polls = submitted(store, key="polls")
    for _ in range(6):
        polls = store.claim(stored(store, polls.id), "process-1")
        store.swap(polls, parked(polls, Reason.CONDITION, store.now()), Event(event="waiting"))
        store.wake(1)
    store.close()


def objects(shell: Shell, *command: str) -> list[Any]:
    return [json.loads(line) for line in shell.outlast("--json", *command).out.splitlines()]


def submitting(shell: Shell) -> list[Any]:
    proof = ["pow", "struct_build_complete", "2-2", "--player", "1", "--block-start", "1", "--block-height", "9000"]
    return [
        *objects(shell, "submit", "jobs.py:add", "a=1"),
        *objects(shell, "run", "true"),
        *objects(shell, *proof),
    ]


def steering(shell: Shell) -> list[Any]:
    ids = [shell.outlast("submit", "jobs.py:add", "a=1", code=0).id for _ in range(2)]
    told = [each for verb in ("pause", "resume", "cancel", "retry", "cancel") for each in objects(shell, verb, ids[0])]
    told += objects(shell, "cancel", *ids)
    told += objects(shell, "retry", "--match", f"key:{ids[0]}", "--dry-run")
    return [*told, *objects(shell, "remove", ids[0])]


def doctoring(shell: Shell) -> list[Any]:
    """Repair a store of which the rows of the jobs are gone: their ids stand in an index, too."""
    place = shell.directory / "damaged"
    for number in range(9):
        shell.outlast(
            "submit", "jobs.py:add", f"a={number}", "--key", f"{number}{'k' * 400}", "--data-dir", "damaged", code=0
        )
    shell.outlast("cancel", "0" + "k" * 400, "--data-dir", "damaged", code=0)
    (place / "jobs.json").unlink()
    raw = (place / "jobs.db").read_bytes()
    (place / "jobs.db").write_bytes(raw.replace(b"queued", b"sleeps"))
    return [*objects(shell, "doctor"), *objects(shell, "doctor", "--repair", "--data-dir", "damaged")]


def importing(shell: Shell) -> list[Any]:
    shell.outlast("export", "moved.jsonl", code=0)
    return objects(shell, "import", "moved.jsonl", "--data-dir", "moved")


def errors(shell: Shell) -> list[Any]:
    return [json.loads(shell.outlast(*words, "--json").err) for words in (["show", "nope"], ["list", "x:y"])]


def demo(shell: Shell) -> list[Any]:
    report = Report()
    report.kills = [
        Kill(pid=1, role="supervisor", job=None, nonce_before=1, steps_before=2),
        Kill(pid=1, role="job process", job="x", nonce_before=1, steps_before=2, nonce_after=3, steps_after=4),
    ]
    outcome = Outcome(report=report, seconds=1.25, directory=Path("/tmp/x"), view={"x": {}}, checklist={"x": ""})
    return [_object(outcome, keep) for keep in (False, True)]


def crash_testing(shell: Shell) -> list[Any]:
    [told] = objects(shell, "crash-test", "--seconds", "1s")
    faulty = Verdict(unchecked={"redone"})
    faulty.faults["lost"].append("a job is not there")
    return [told, {**told, **faulty.as_json(), "directory": "/tmp/x"}]


ACTS = """
import os, signal, threading

def do(account, activity):
    if activity == "stop":
        os.kill(os.getppid(), signal.SIGINT)
        threading.Event().wait()
    if activity == "bad":
        raise ValueError("no good")
"""
DAY = "2025-09-20"
OTHER = ("--dir", "other")


def job_state(shell: Shell) -> list[list[Any]]:
    """Let two accounts do what there is to do, one of them be killed inside an activity, and change it by hand."""
    (shell.directory / "acts.py").write_text(ACTS)
    day = ("--type", "daily", "--date", DAY)
    named = ("--accounts", "alice,bob", "--activities", "check-in,quiz,poll,bad")
    run = objects(shell, "state", "run", "acts.py:do", *named, *day)
    run += objects(shell, "state", "run", "acts.py:do", "--account", "carol", "--activities", "stop,later", *day)
    script = f"from outlast import JobState; c = JobState().open('bob', 'daily', ['a', 'b', 'search'], '{DAY}')"
    script += "; c.skip('search', 'why'); c.activity('a').__enter__(); import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script], cwd=shell.directory, check=False)
    with JobState(dir=shell.directory / "sessions/job-state").open("bob", "daily", ["a", "b"], DAY).activity("b"):
        listed, shown = objects(shell, "state", "list", "--since", DAY), objects(shell, "state", "show", "bob")
        reported = objects(shell, "state", "report", "--since", DAY)
        held = objects(shell, "state", "run", "acts.py:do", "--account", "bob", "--activities", "b,c", *day)
    page = objects(shell, "state", "report", "--html", "report.html")
    copied = [*objects(shell, "state", "export", "out", "--dry-run"), *objects(shell, "state", "export", "out")]
    taken = [each for more in ((), ("--dry-run",)) for each in objects(shell, "state", "import", "out", *OTHER, *more)]
    reset = objects(shell, "state", "reset", "--account", "alice", *day, "--activity", "quiz", "--yes")
    (shell.directory / f"sessions/job-state/alice/daily-{DAY}.json").write_text("{")
    looked = objects(shell, "state", "doctor")
    pruned = objects(shell, "state", "prune", "--older-than", "2025-12-01", "--yes")
    listed += [{"checklists": objects(shell, "state", "export", "--dir", "other")}]
    return [listed, shown, reported, page, [*run, *held], reset, pruned, looked, taken, copied]


def scheduling(shell: Shell) -> list[list[Any]]:
    add = ("schedule", "add", "jobs.py:add", "30 6 * * *", "a=1", "--account", "alice", "--label", "env=prod")
    one = objects(shell, *add, "--name", "one")
    one += objects(shell, "schedule", "add", "jobs.py:add", "@daily", "a=1", "--name", "two")
    ran = [*objects(shell, "schedule", "run-now", "one"), *objects(shell, "schedule", "run-now", "one", "two")]
    one += objects(shell, "schedule", "pause", "one")
    several = [*objects(shell, "schedule", "list"), *objects(shell, "schedule", "resume", "one", "two")]
    return [several, one, [*ran, *objects(shell, "schedule", "remove", "one", "two")]]


def serving(shell: Shell) -> list[Any]:
    """Use a program in systemd's place; the environment is as before afterwards."""
    before = dict(shell.environment)
    stand_in_for_systemd(shell, shell.directory, failing="nothing")
    told = [each for verb in ("install", "status", "uninstall") for each in objects(shell, "service", verb)]
    shell.environment = before
    return told


RECIPES: dict[str, Callable[[Shell], list[list[Any]]]] = {
    "submit run pow": lambda shell: [submitting(shell)],
    "list": lambda shell: [[*objects(shell, "list", "--limit", "1"), *objects(shell, "list")]],
    "show": lambda shell: [
        [
            *objects(shell, "show", "w", "--verbose"),
            *objects(shell, "show", "q"),
            *(each for job in objects(shell, "list", "status:running")[0]["jobs"] for each in verbose(shell, job)),
        ]
    ],
    "explain": lambda shell: [
        [each for key in ("w", "p", "q", "later", "polls") for each in objects(shell, "explain", key)]
    ],
    "follow": lambda shell: [objects(shell, "follow", "w")],
    "wait": lambda shell: [[*objects(shell, "wait", "w"), *objects(shell, "wait", "w", "p")]],
    "logs": lambda shell: [[*objects(shell, "logs", "w"), *objects(shell, "logs", "w", "-f")]],
    "failures": lambda shell: [objects(shell, "failures"), objects(shell, "failures", "ValueError: no good 7")],
    "stats": lambda shell: [[*objects(shell, "stats"), *objects(shell, "stats", "--data-dir", "none")]],
    "cancel pause resume retry remove": lambda shell: [steering(shell)],
    "prune": lambda shell: [objects(shell, "prune", "--older-than", "30d")],
    "doctor": lambda shell: [doctoring(shell)],
    "backup": lambda shell: [objects(shell, "backup", "copy.db")],
    "export": lambda shell: [objects(shell, "export", "jobs.jsonl")],
    "import": lambda shell: [importing(shell)],
    "state": job_state,
    "schedule": scheduling,
    "service": lambda shell: [serving(shell)],
    "config show": lambda shell: [objects(shell, "config", "show")],
    "completion": lambda shell: [objects(shell, "completion", "bash")],
    "demo": lambda shell: [demo(shell)],
    "answer": lambda shell: [objects(shell, "answer", "asks"), objects(shell, "answer", "asks", "that")],
    "agents-md": lambda shell: [objects(shell, "agents-md")],
    "crash-test": lambda shell: [crash_testing(shell)],
    "Errors": lambda shell: [errors(shell)],
}
"""For each section of the page, what a shell prints for each of its tables."""


def verbose(shell: Shell, job: dict[str, Any]) -> list[Any]:
    return objects(shell, "show", job["job_id"], "--verbose")


@pytest.mark.parametrize("section", RECIPES)
def test_the_page_says_what_a_command_prints(shop: Shell, section: str) -> None:
    printed = RECIPES[section](shop)

    assert len(printed) == len(SHAPES[section])
    for shape, values in zip(SHAPES[section], printed, strict=True):
        assert values
        assert [fault for value in values for fault in shape.faults(value)] == []
        seen = {key for value in values for key in shape.seen(value)}
        assert shape.keys.keys() - seen == set()


def test_every_command_and_every_recipe_has_its_section() -> None:
    described = {name for heading in SHAPES for name in heading.split()}
    commands = {name for names in SECTIONS.values() for name in names}

    assert commands - described - SILENT == set(), "describe them in docs/json.md, and in RECIPES how to see them"
    assert SHAPES.keys() == RECIPES.keys()


def test_a_key_that_is_not_on_the_page_is_noticed() -> None:
    shape = Shape(keys={"a": "number", "b[].c": "text", "d.*": "time or null", "e": "job"})

    assert shape.faults({"a": 1, "b": [{"c": "x"}], "d": {"x": None, "y": "2025-01-01T00:00:00.000Z"}}) == []
    assert shape.faults({"a": "1"}) == ["a is no number: '1'"]
    assert shape.faults({"b": [{"c": "x", "new": 1}]}) == ["b[].new is not on the page"]
    assert shape.faults({"d": {"x": "yesterday"}}) == ["d.x is no time or null: 'yesterday'"]
    assert shape.faults({"new": {}}) == []
    assert shape.faults({"new": {"deep": 1}}) == ["new.deep is not on the page"]
    assert shape.faults({"e": {"job_id": 1}}) == ["e is no job: {'job_id': 1}"]
    assert shape.seen({"a": 1, "b": [], "d": {"x": None}}) == {"a", "d.*"}


def test_a_job_is_described_on_its_own_page() -> None:
    shape = Shape(keys={"": "job", "args": "any"})
    told = {"job_id": "x", "status": "queued", "kind": "k", "attempts": 0, "labels": {"a": "b"}}

    assert shape.faults(told) == []
    assert shape.faults({**told, "unheard_of": 1}) == ["unheard_of is not on the page"]
    assert {"job_id", "waiting_info", "progress"} <= JOB_KEYS
    assert match("a.b", {"*.b": "text"}) == "*.b"
