"""`submit` and `run`: what is stored, what is printed, what is refused."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import Shell


def test_submit_prints_the_id_and_nothing_else(shell: Shell) -> None:
    said = shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    assert said.err == ""
    assert shell.outlast("show", said.id, "--json", code=0).object["job_id"] == said.id


def test_submit_with_json_prints_the_job_object(shell: Shell) -> None:
    said = shell.outlast("submit", "jobs.py:add", "a=1", "--json", code=0)

    assert said.object == shell.outlast("show", "@last", "--json").object
    assert said.object["status"] == "queued"
    assert said.object["kind"] == "add"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ('"1"', "1"),
        ("true", True),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ('{"x": 1}', {"x": 1}),
        ("text", "text"),
        ("", ""),
        ("a=b", "a=b"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("9" * 5_000, "9" * 5_000),
        ("{broken", "{broken"),
        ("grüße 日本", "grüße 日本"),
    ],
)
def test_a_value_is_json_if_it_can_be_read_as_json_else_text(shell: Shell, typed: str, stored: object) -> None:
    said = shell.outlast("submit", "jobs.py:add", f"a={typed}", code=0)

    assert _arguments(shell, said.id) == {"args": [], "kwargs": {"a": stored}}


def test_all_arguments_as_json(shell: Shell) -> None:
    listed = shell.outlast("submit", "jobs.py:add", "--args", "[1, 2]", code=0)
    named = shell.outlast("submit", "jobs.py:add", "--args", '{"a": 1}', "b=3", code=0)

    assert _arguments(shell, listed.id) == {"args": [1, 2], "kwargs": {}}
    assert _arguments(shell, named.id) == {"args": [], "kwargs": {"a": 1, "b": 3}}


def test_the_options_of_a_submission_are_stored(shell: Shell) -> None:
    options = ["--key", "k1", "--account", "alice", "--label", "env=prod", "--label", "x=a=b", "--queue", "slow"]
    rules = ["--max-attempts", "3", "--backoff", "2s..1m", "--job-timeout", "1h", "--isolation", "process"]
    more = ["--priority", "-5", "--on-interrupt", "fail", "--max-crashes", "7", "--keep", "--delay", "1h"]

    shell.outlast("submit", "jobs.py:add", "a=1", *options, *rules, *more, "--env", "HOME", code=0)

    job = shell.outlast("show", "k1", "--verbose", "--json", code=0).object
    assert (job["account"], job["labels"], job["queue"]) == ("alice", {"env": "prod", "x": "a=b"}, "slow")
    assert (job["priority"], job["status"], job["reason"]) == (-5, "waiting", "time")
    assert job["policy"]["max_attempts"] == 3
    assert job["policy"]["backoff"] == {"least_seconds": 2.0, "most_seconds": 60.0}
    assert (job["policy"]["timeout_seconds"], job["policy"]["isolation"]) == (3600.0, "process")
    assert (job["policy"]["on_interrupt"], job["policy"]["max_crashes"], job["policy"]["keep"]) == ("fail", 7, True)
    assert "HOME" in job["code"]["environment"]


def test_the_rules_of_the_decorator_hold_where_no_option_says_otherwise(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:stumble", "--key", "k", code=0)

    policy = shell.outlast("show", "k", "-v", "--json").object["policy"]
    assert policy["max_attempts"] == 2
    assert policy["backoff"]["least_seconds"] == 0.01


def test_the_same_key_returns_the_same_job_and_says_so(shell: Shell) -> None:
    first = shell.outlast("submit", "jobs.py:add", "a=1", "--key", "k", code=0)

    second = shell.outlast("submit", "jobs.py:add", "a=1", "--key", "k", code=0)

    assert second.id == first.id
    assert "known" in second.err


def test_the_same_key_with_other_arguments_is_a_conflict(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", "--key", "k", code=0)

    said = shell.outlast("submit", "jobs.py:add", "a=2", "--key", "k", "--json", code=2)

    assert said.error["code"] == "conflict"


def test_a_module_target_is_looked_for_in_the_current_directory(shell: Shell) -> None:
    said = shell.outlast("submit", "jobs:add", "a=1", code=0)

    code = shell.outlast("show", said.id, "-v", "--json").object["code"]
    assert code["target"] == "jobs:add"
    assert code["path"][0] == str(shell.directory)


def test_a_file_target_brings_its_directory(shell: Shell) -> None:
    below = shell.directory / "below"
    below.mkdir()
    (below / "neighbour.py").write_text("WORD = 'hi'\n")
    (below / "app.py").write_text("import neighbour\nprint('said while importing')\ndef f(): return neighbour.WORD\n")

    said = shell.outlast("submit", "below/app.py:f", code=0)

    assert said.err == "said while importing\n"
    code = shell.outlast("show", said.id, "-v", "--json").object["code"]
    assert code["target"] == f"{below / 'app.py'}:f"
    assert code["path"][0] == str(below)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nowhere_to_be_found\n", "bad.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("\n\nx = (\n", "bad.py:3: SyntaxError"),
        ("import sys\nsys.exit(3)\n", "bad.py:2: it calls sys.exit()"),
        ("import json\ndef g():\n    json.loads('')\ng()\n", "bad.py:3: JSONDecodeError"),
        ("raise BaseException('x' * 9999)\n", "bad.py:1: BaseException: xxx"),
        ("def f(): yield 1\n", "f is a generator"),
        ("f = 5\n", "f in "),
        ("class f: pass\n", "cannot be found by another process"),
        ("f = lambda: 1\n", "cannot be found by another process"),
        ("g = 1\n", "has no 'f'"),
        ("def f(a): pass\n", "missing a required argument: 'a'"),
        ("def f(key): pass\nfrom outlast import job\nf = job(f)\n", "'key', which is a word of submit()"),
        ("from outlast import job\n@job\ndef f(): pass\nf.submit()\n", "while its own file was being imported"),
    ],
)
def test_a_target_that_cannot_be_used_is_one_clear_error(shell: Shell, source: str, words: str) -> None:
    (shell.directory / "bad.py").write_text(source)

    said = shell.outlast("submit", "bad.py:f", code=2)

    assert words in said.err
    assert len(said.err.splitlines()) <= 2
    assert len(said.err) < 1_000


@pytest.mark.parametrize(
    "target",
    ["", ":", "jobs.py", "jobs.py:", ":add", "nothing.py:f", "nothing:f", ".:f", "..jobs:f", "time:sleep", "/:f"],
)
def test_a_target_that_is_none_is_one_clear_error(shell: Shell, target: str) -> None:
    said = shell.outlast("submit", target, code=2)

    assert said.err.startswith("Error: ")
    assert len(said.err.splitlines()) == 2


@pytest.mark.parametrize(
    "options",
    [
        ["a"],
        ["=1"],
        ["1a=1"],
        ["a=1", "a=2"],
        ["c=1", "a=1"],
        ["--args", "{"],
        ["--args", "5"],
        ["--args", "[NaN]"],
        ["--args", "[" * 100_000],
        ["--args", '{"a":1}', "a=1"],
        ["a=1", "--key", ""],
        ["a=1", "--key", "k" * 501],
        ["a=1", "--label", "x"],
        ["a=1", "--label", "=x"],
        ["a=1", "--delay", "soon"],
        ["a=1", "--delay", "-1s"],
        ["a=1", "--at", "tomorrow"],
        ["a=1", "--at", "2030-01-01", "--delay", "1s"],
        ["a=1", "--priority", "high"],
        ["a=1", "--priority", "99999999999999999999"],
        ["a=1", "--max-attempts", "0"],
        ["a=1", "--backoff", "5m..1s"],
        ["a=1", "--isolation", "thread"],
        ["a=1", "--env", "DATABASE_URL"],
        ["a=1", "--timeout", "1s"],
        ["a=1", "--wait", "--follow"],
    ],
)
def test_options_that_make_no_sense_are_refused_and_nothing_is_stored(shell: Shell, options: list[str]) -> None:
    said = shell.outlast("submit", "jobs.py:add", *options, "--json", code=2)

    assert said.error["code"] == "usage"
    assert said.error["fix"]
    assert shell.outlast("list", "--json").object["jobs"] == []


def test_a_command_is_stored_with_its_program_and_its_words(shell: Shell) -> None:
    said = shell.outlast("run", "--key", "k", "--", "sh", "-c", "echo --json", code=0)

    job = shell.outlast("show", said.id, "-v", "--json").object
    call = job["args"]["kwargs"]
    assert Path(call["argv"][0]).is_absolute()
    assert call["argv"][1:] == ["-c", "echo --json"]
    assert (job["kind"], job["key"], job["policy"]["on_interrupt"]) == ("command", "k", "fail")
    assert "PATH" in job["code"]["environment"]


def test_options_end_where_the_command_begins(shell: Shell) -> None:
    said = shell.outlast("run", "--on-interrupt", "resume", "echo", "--key", "k", code=0)

    job = shell.outlast("show", said.id, "-v", "--json").object
    assert job["args"]["kwargs"]["argv"][1:] == ["--key", "k"]
    assert job["policy"]["on_interrupt"] == "resume"
    assert "key" not in job


@pytest.mark.parametrize("words", [["no-such-program-here"], ["./jobs.py"], [""], ["/"], []])
def test_a_program_that_does_not_exist_is_refused(shell: Shell, words: list[str]) -> None:
    said = shell.outlast("run", "--json", "--", *words, code=2)

    assert said.error["code"] == "usage"


def test_progress_is_written_for_the_job(shell: Shell) -> None:
    file = shell.directory / "progress.json"

    shell.outlast("progress", "3", "10.5", "a\x1b message", env={"OUTLAST_PROGRESS_FILE": str(file)}, code=0)

    assert json.loads(file.read_text()) == {"done": 3, "total": 10.5, "message": "a\x1b message"}
    assert sorted(path.name for path in shell.directory.iterdir()) == ["jobs.py", "progress.json"]


@pytest.mark.parametrize("words", [["1"], ["x", "2"], ["nan", "2"], ["1", "inf"], ["1", "2"]])
def test_progress_outside_a_job_or_without_numbers_is_refused(shell: Shell, words: list[str]) -> None:
    assert shell.outlast("progress", *words, "--json", code=2).error["code"] == "usage"


def _arguments(shell: Shell, job_id: str) -> object:
    return shell.outlast("show", job_id, "--verbose", "--json", code=0).object["args"]
