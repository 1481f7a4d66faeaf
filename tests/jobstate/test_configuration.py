"""Where job state finds what was left out, and what it says to a value that makes no sense."""

import ast
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from outlast import JobState
from outlast.core.errors import UsageError
from tests.jobstate.places import ACCOUNT, NAMES, TYPE, json_path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test run in a directory of its own."""
    monkeypatch.chdir(tmp_path)


def write(path: str, value: object) -> None:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(value if isinstance(value, str) else json.dumps(value))


def test_without_a_configuration_it_lies_in_sessions(tmp_path: Path) -> None:
    state = JobState()

    assert state.enabled
    assert state.dir == str(tmp_path / "sessions" / "job-state")
    state.open(ACCOUNT, TYPE, NAMES, "2025-09-20")
    assert json_path(tmp_path / "sessions" / "job-state").exists()


def test_the_directory_is_made_absolute_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = JobState(dir="here")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")

    state.open(ACCOUNT, TYPE, NAMES)

    assert (tmp_path / "here").is_dir()
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("config", "directory"),
    [
        ({"jobState": {"enabled": True, "dir": ""}}, "sessions/job-state"),
        ({"jobState": {"enabled": True, "dir": ""}, "sessionPath": "mine"}, "mine/job-state"),
        ({"jobState": {"dir": "own/place"}, "sessionPath": "mine"}, "own/place"),
        ({"sessionPath": "mine", "accounts": [1, 2, 3]}, "mine/job-state"),
        ({}, "sessions/job-state"),
    ],
)
@pytest.mark.parametrize("name", ["src/config.json", "config.json"])
def test_the_configuration_says_where(tmp_path: Path, config: object, directory: str, name: str) -> None:
    write(name, config)

    assert JobState().dir == str(tmp_path / directory)
    assert JobState(dir="said").dir == str(tmp_path / "said")


def test_the_one_in_src_counts_first(tmp_path: Path) -> None:
    write("config.json", {"sessionPath": "second"})
    write("src/config.json", "\ufeff" + json.dumps({"sessionPath": "first"}))

    assert JobState().dir == str(tmp_path / "first" / "job-state")


def test_disabled_it_is_kept_in_memory_with_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    write("config.json", {"jobState": {"enabled": False}})

    state = JobState()
    checklist = state.open(ACCOUNT, TYPE, NAMES)
    done = list(checklist.each())
    with pytest.raises(ZeroDivisionError), state.open("bob", TYPE, NAMES).activity("quiz-1"):
        _ = 1 / 0

    assert done == checklist.completed == state.open(ACCOUNT, TYPE, NAMES).completed == NAMES
    assert state.open("bob", TYPE, NAMES).failed == {"quiz-1": "ZeroDivisionError: division by zero"}
    assert state.accounts() == ["bob", ACCOUNT]
    assert [entry.completed for entry in state.history(ACCOUNT)] == [tuple(NAMES)]
    assert state.report().total.done == 3
    assert state.reset(ACCOUNT, TYPE, activity="quiz-1")
    assert checklist.remaining == ["quiz-1"]
    assert state.reset("bob", TYPE)
    assert not state.reset("bob", TYPE)
    assert (state.prune("1d"), state.doctor()) == ([], [])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "is off" in caplog.text
    assert os.listdir() == ["config.json"]
    assert JobState(enabled=True).enabled


BAD = [
    ({"jobState": {"enabled": "yes"}}, 'jobState.enabled in config.json is "yes", neither true nor false.'),
    ({"jobState": {"enabled": 1}}, "jobState.enabled in config.json is 1, neither"),
    ({"jobState": []}, "jobState in config.json is [], not an object."),
    ({"jobState": None}, "jobState in config.json is null, not an object."),
    ({"jobState": {"dir": 5}}, "jobState.dir in config.json is 5, not a path."),
    ({"jobState": {"dir": "a\0b"}}, "not a path."),
    ({"sessionPath": {}}, "sessionPath in config.json is {}, not a path."),
    ([], "config.json holds no JSON object."),
    ("{", "config.json cannot be read: "),
    ("", "config.json cannot be read: "),
    ("[" * 100_000, "config.json cannot be read: it is nested too deeply."),
    ("9" * 5_000, "config.json cannot be read: "),
]


@pytest.mark.parametrize(("config", "words"), BAD, ids=range(len(BAD)))
def test_a_bad_value_gets_one_clear_line(config: object, words: str) -> None:
    write("config.json", config)

    with pytest.raises(UsageError) as caught:
        JobState()

    assert words in caught.value.message
    assert "\n" not in str(caught.value)
    assert JobState(dir="d", enabled=True).open(ACCOUNT, TYPE, NAMES).remaining == NAMES


@pytest.mark.parametrize("kind", ["directory", "pipe", "bytes"])
def test_a_configuration_that_is_none_is_named(kind: str) -> None:
    if kind == "directory":
        os.mkdir("config.json")
    elif kind == "pipe":
        os.mkfifo("config.json")
    else:
        Path("config.json").write_bytes(b"\xff\xfe\xfd{")

    with pytest.raises(UsageError, match=r"config\.json cannot be read"):
        JobState()


def test_zone_and_cluster_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("outlast.toml", 'timezone = "Asia/Kathmandu"\ncluster_worker = 7\n')

    assert (JobState().timezone, JobState().cluster) == ("Asia/Kathmandu", "7")
    monkeypatch.setenv("OUTLAST_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("OUTLAST_CLUSTER_WORKER", "1")
    assert (JobState().timezone, JobState().cluster) == ("Europe/Berlin", "1")
    assert (JobState(timezone="UTC").timezone, JobState(cluster="2").cluster) == ("UTC", "2")
    monkeypatch.setenv("OUTLAST_TIMEZONE", "Mars")
    with pytest.raises(UsageError, match="Mars"):
        JobState()


def test_each_cluster_worker_has_a_directory_of_its_own(tmp_path: Path) -> None:
    for worker in ("1", 2, "../x"):
        JobState(dir="d", cluster=worker).open(ACCOUNT, TYPE, NAMES, "2025-09-20").complete("quiz-1")

    alone = JobState(dir="d")
    assert json_path(tmp_path / "d" / ".worker-1").exists()
    assert sorted(os.listdir("d")) == [".worker-%2E.%2Fx", ".worker-1", ".worker-2"]
    assert alone.accounts() == []
    assert alone.open(ACCOUNT, TYPE, NAMES, "2025-09-20").remaining == NAMES
    assert JobState(dir="d", cluster="2").accounts() == [ACCOUNT]


@pytest.mark.parametrize(
    "arguments",
    [{"dir": "a\0"}, {"dir": b"bytes"}, {"cluster": True}, {"cluster": 1.5}, {"enabled": "yes"}, {"enabled": 1}],
    ids=str,
)
def test_an_argument_that_makes_no_sense_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        JobState(**arguments)  # type: ignore[arg-type]


ONLY = """
import sys
from outlast.jobstate import JobState
state = JobState(timezone="Europe/Berlin")
for name in state.open("a" * 300, "t", ["x", "y"]).each():
    pass
state.report().as_json(); state.doctor(); state.prune("1d"); state.accounts()
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print({name for name, file in files.items() if "site-packages" in file and not name.startswith("outlast")})
ours = {name for name in sys.modules if name.startswith("outlast.")}
print({name for name in ours if not name.startswith(("outlast.jobstate", "outlast.core", "outlast.durable"))})
"""


def test_it_needs_the_standard_library_alone() -> None:
    write("outlast.toml", "")
    done = subprocess.run([sys.executable, "-c", ONLY], capture_output=True, text=True, check=True)

    foreign, ours = map(ast.literal_eval, done.stdout.replace("set()", "{}").splitlines())
    assert not foreign
    assert ours == {"outlast.crashpoint", "outlast.settings"}
