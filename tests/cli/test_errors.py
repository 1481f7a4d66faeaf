"""What goes wrong: one or two lines on stderr, an exit code that can be relied on, never a traceback."""

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from outlast.client import new_job
from outlast.clients.cli.faults import fault_of
from outlast.functions import home_of_this_process
from outlast.targets import command_spec
from tests.cli.shell import PROGRAM, Shell
from tests.workshop import Workshop

HOSTILE: list[str | bytes] = [
    "--help",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    " ",
    "-rf",
    "@",
    "%",
    "____",
    "0000",
    "x" * 10_000,
    "é" * 128,
    "=cmd|' /C calc'!A0",
    "'; drop table jobs; --",
    "$(id)",
    "a\nb",
    "\x1b[2J",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%2e%2e%2f",
    b"\xff\xfe",
    b"\xed\xa0\x80",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_id_is_not_found_and_harms_nothing(shell: Shell, number: int) -> None:
    """Two commands for each id, others for the next one: they all look for it in the same place."""
    text, commands = HOSTILE[number], ("show", "logs", "cancel", "remove", "retry")
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    before = sorted(path for path in shell.directory.rglob("*") if "jobs.db" not in path.name)

    for command in (commands[number % 5], commands[(number + 2) % 5]):
        said = shell.outlast(command, "--json", "--", text, code=4)
        assert said.out == ""
        assert said.error["code"] == "not_found"
    plain = shell.outlast("show", "--", text, code=4).err
    assert len(plain.splitlines()) == 2
    assert len(plain) < 500
    assert "\x1b" not in plain

    assert sorted(path for path in shell.directory.rglob("*") if "jobs.db" not in path.name) == before
    assert len(shell.outlast("list", "--json", code=0).object["jobs"]) == 1


@pytest.mark.parametrize("text", ["k" * 500, "=cmd|'x'!A0", "--help", "\x1b[2J\u202e", "é" * 250, "@last", "a b"])
def test_a_hostile_key_is_a_key_like_any_other(shell: Shell, text: str) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", f"--key={text}", f"--account={text}", code=0).id

    listed = shell.on_terminal("list").out
    shown = shell.on_terminal("show", job_id).out

    assert shell.outlast("show", job_id, "--json", code=0).object["key"] == text
    assert "\x1b[2J" not in listed + shown
    assert "\u202e" not in listed + shown + shell.on_terminal("show", job_id, "--json").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nonsense"], "usage"),
        (["lst"], "usage"),
        (["list", "--nonsense"], "usage"),
        (["list", "--limit", "many"], "usage"),
        (["list", "--limit", "0"], "usage"),
        (["list", "--cursor", "zzz"], "usage"),
        (["list", "status:nonsense"], "usage"),
        (["list", "nonsense:1"], "usage"),
        (["list", '"open'], "usage"),
        (["list", "x" * 3_000], "usage"),
        (["list", b"\xff"], "usage"),
        (["list", "--color", "pink"], "usage"),
        (["show"], "usage"),
        (["wait"], "usage"),
        (["wait", "x", "--timeout", "soon"], "usage"),
        (["logs", "x", "--attempt", "0"], "usage"),
        (["prune"], "usage"),
        (["prune", "--older-than", "never"], "usage"),
        (["config"], "usage"),
        (["completion", "tcsh"], "usage"),
        (["worker", "-c", "0"], "usage"),
        (["cancel", "--match", "status:nonsense"], "usage"),
        (["list", "--store", "mysql://x"], "usage"),
    ],
)
def test_wrong_use_is_exit_2_with_the_command_that_mends_it(shell: Shell, words: list[str], code: str) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    told = shell.outlast("--json", *words, code=2)
    plain = shell.outlast(*words, code=2)

    assert told.out == plain.out == ""
    assert told.error["code"] == code
    assert set(told.error) == {"code", "message", "fix"}
    assert all(told.error.values())
    assert plain.err.startswith("Error: ")
    assert len(plain.err.splitlines()) == 2


def test_json_errors_are_json_even_if_json_was_not_understood_yet(shell: Shell) -> None:
    assert shell.outlast("list", "--nonsense", "--json", code=2).error["code"] == "usage"
    assert shell.outlast("--nonsense", "list", "--json", code=2).error["code"] == "usage"
    assert shell.outlast("nonsense", "--json", code=2).error["code"] == "usage"
    assert shell.outlast("run", "--nonsense", "--", "x", "--json", code=2).err.startswith("Error: ")


def test_a_near_miss_is_guessed(shell: Shell) -> None:
    assert "Did you mean list?" in shell.outlast("lst", code=2).err


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PERSIST_JOBS", "maybe"), ("OUTLAST_GRACE", "soon"), ("OUTLAST_CONCURRENCY", "-1"), ("OUTLAST_STORE", "x:y")],
)
def test_a_wrong_setting_is_named(shell: Shell, variable: str, value: str) -> None:
    said = shell.outlast("submit", "jobs.py:add", "a=1", "--json", env={variable: value}, code=2)

    assert said.error["code"] == "usage"
    assert variable in said.error["message"]


@pytest.mark.parametrize("command", ["list", "submit jobs.py:add a=1", "stats"])
@pytest.mark.parametrize("place", ["/etc/passwd", "/proc/nowhere/jobs", "x" * 300])
def test_a_data_directory_that_cannot_be_is_named(shell: Shell, command: str, place: str) -> None:
    said = shell.outlast(*command.split(), "--data-dir", place, "--json")

    if command.startswith("submit") or place == "/etc/passwd":
        assert said.code == 2
        assert place in said.error["message"]
        assert said.error["code"] == "usage"
    else:
        assert said.code == 0


def test_a_damaged_store_is_exit_2_and_named(shell: Shell) -> None:
    shell.data_dir.mkdir(parents=True)
    (shell.data_dir / "jobs.db").write_bytes(b"this is no database, but it is long enough to look at" * 100)

    for command in (["list"], ["submit", "jobs.py:add", "a=1"], ["stats"]):
        said = shell.outlast(*command, "--json", code=2)
        assert said.error["code"] == "store_damaged"
        assert "jobs.db" in said.error["message"]
        assert said.error["fix"]


def test_an_unforeseen_error_is_one_line_that_names_the_traceback(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)
    package = shell.directory / "click_breaks"
    package.mkdir()
    (package / "sitecustomize.py").write_text("import outlast.core.view as v\nv.job_object = lambda job: 1 / 0\n")

    said = shell.outlast("list", "--json", env={"PYTHONPATH": str(package)}, code=2)

    assert said.error["code"] == "internal"
    assert "ZeroDivisionError" in said.error["message"]
    written = Path(said.error["fix"].split(" is in ")[1].split(";")[0])
    assert written.parent == shell.data_dir / "logs"
    assert "ZeroDivisionError" in written.read_text()


def test_head_ends_a_long_list_silently(shell: Shell) -> None:
    service = Workshop(shell.data_dir).service
    spec = command_spec(home_of_this_process(), {})
    call = '{"args":[],"kwargs":{"argv":["true"],"directory":""}}'
    service.submit([new_job(spec, call, key=f"{number}{'k' * 450}") for number in range(300)])
    service.close()

    said = shell.bash("outlast list --json --limit 300 | head -c 1; echo; echo ${PIPESTATUS[0]}")

    assert (said.out, said.err) == ("{\n0\n", "")


def test_a_pipe_that_nobody_reads_is_the_end_and_no_error(shell: Shell) -> None:
    read, write = os.pipe()
    os.close(read)
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    done = subprocess.run(
        [PROGRAM, "list"], cwd=shell.directory, env=shell._environment(None), stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_files_are_survived(shell: Shell, closed: str) -> None:
    said = shell.bash(f"outlast submit jobs.py:add a=1 {closed}; outlast list {closed}; outlast show nothing {closed}")

    assert "Traceback" not in said.err
    assert said.code == 4
    assert len(shell.outlast("list", "--json", code=0).object["jobs"]) == 1


def test_a_full_stdout_is_said(shell: Shell) -> None:
    said = shell.bash("outlast stats --json > /dev/full")

    assert said.code == 3
    assert said.error["code"] == "store_full"
    assert said.error["message"] == "stdout cannot be written: No space left on device."


def test_no_home_and_no_terminal_are_no_trouble(shell: Shell) -> None:
    bare = {"JOBS_DATA_DIR": str(shell.data_dir), "PATH": os.environ["PATH"], "OUTLAST_AUTOSTART": "0"}
    done = subprocess.run(
        [PROGRAM, "submit", "jobs.py:add", "a=1", "--json"], cwd=shell.directory, env=bare, capture_output=True
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kind"] == "add"


def test_a_directory_that_is_gone_is_said(shell: Shell) -> None:
    said = shell.bash("mkdir gone; cd gone; rmdir ../gone; outlast list; outlast --help > /dev/null")

    assert said.code == 0
    assert said.err == "Error: The current directory is gone.\nChange to one that exists.\n"


def test_a_stream_that_knows_no_unicode_gets_escapes(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", "--key", "日本語 ü", code=0)
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    listed = shell.outlast("list", env=ascii_only, code=0).out
    shown = shell.outlast("list", "--json", env=ascii_only, code=0).out

    assert listed.isascii()
    assert shown.isascii()
    assert json.loads(shown)["jobs"][0]["key"] == "日本語 ü"


def test_colours_are_for_terminals_and_can_be_turned_off(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    assert "\x1b[" not in shell.outlast("list").out
    assert "\x1b[" in shell.outlast("list", "--color", "always").out
    assert "\x1b[" in shell.outlast("--color", "always", "list").out
    assert "\x1b[" in shell.on_terminal("list").out
    assert "\x1b[" not in shell.on_terminal("list", "--color", "never").out
    shell.environment["NO_COLOR"] = "1"
    assert "\x1b[" not in shell.on_terminal("list").out
    assert "\x1b[" in shell.on_terminal("list", "--color", "always").out


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.EACCES, "Check its owner and mode, and those of its directory, or name another file."),
        (errno.EROFS, "Name a file where it can be written."),
        (errno.ENOSPC, "Free some space and try again."),
    ],
)
def test_a_file_that_cannot_be_written_is_named_as_it_was_named(number: int, fix: str) -> None:
    fault = fault_of(OSError(number, os.strerror(number), "/srv/.jobs.jsonl.723dab12.tmp"), None)

    assert fault.message == f"/srv/jobs.jsonl: {os.strerror(number)}."
    assert fault.fix == fix
