"""`wait follow logs run worker`: jobs that really run."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import PROGRAM, Shell
from tests.waiting import eventually


def test_wait_reports_the_end_and_the_result(live: Shell) -> None:
    said = live.outlast("submit", "jobs.py:add", "a=1", "--wait", code=0)

    line, result = said.out.splitlines()
    assert " completed after " in line
    assert result == "result: 3"


def test_wait_with_json_prints_the_job_object(live: Shell) -> None:
    said = live.outlast("submit", "jobs.py:add", "--args", "[2, 3]", "--wait", "--json", code=0)

    assert said.object["status"] == "completed"
    assert said.object["result"] == 5
    assert live.outlast("wait", said.object["job_id"], "--json", code=0).object == said.object


def test_a_command_is_shown_as_it_was_typed(live: Shell) -> None:
    job_id = live.outlast("run", "--wait", "--json", "--", "sh", "-c", "exit 3", "a b", code=1).object["job_id"]

    shown = [line.split(maxsplit=1) for line in live.outlast("show", job_id, code=0).out.splitlines()]

    [command] = [words[1] for words in shown if words[0] == "command"]
    assert command.endswith("/sh -c 'exit 3' 'a b'")


def test_a_failed_job_makes_the_exit_code_1(live: Shell) -> None:
    said = live.outlast("submit", "jobs.py:stumble", "--wait", "--json", code=1)

    assert said.object["reason"] == "attempts_exhausted"
    assert said.object["error"] == "ValueError: no good"
    told = live.outlast("wait", said.object["job_id"], code=1)
    assert "ValueError: no good" in told.out
    assert "outlast logs" in told.err


def test_a_cancelled_job_makes_the_exit_code_1(live: Shell) -> None:
    job_id = live.outlast("submit", "jobs.py:add", "a=1", "--delay", "1h", code=0).id
    live.outlast("cancel", job_id, code=0)

    assert live.outlast("wait", job_id, code=1).out == f"{job_id} cancelled (user)\n"


def test_several_jobs_are_waited_for_together(live: Shell) -> None:
    ids = [live.outlast("submit", "jobs.py:add", f"a={n}", code=0).id for n in range(3)]

    said = live.outlast("wait", *ids, "--json", code=0)

    assert [job["result"] for job in said.object["jobs"]] == [2, 3, 4]


def test_who_waits_where_nobody_works_is_told(shell: Shell) -> None:
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id

    said = shell.outlast("wait", job_id, "--timeout", "100ms", code=5)

    assert "No supervisor lives" in said.err
    assert "outlast worker" in said.err


def test_waiting_in_vain_is_exit_5_and_the_job_goes_on(live: Shell) -> None:
    said = live.outlast("submit", "jobs.py:until", "path=go", "--wait", "--timeout", "300ms", "--json", code=5)

    assert said.error["code"] == "timeout"
    (live.directory / "go").write_text("done")
    assert live.outlast("wait", "@last", "--json", code=0).object["result"] == "done"


def test_an_interrupted_wait_is_exit_130_and_the_job_goes_on(live: Shell) -> None:
    with live.started("submit", "jobs.py:until", "path=go", "--key", "k", "--wait") as process:
        eventually(lambda: _status(live, "k") == "running", what="the job to run")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "Traceback" not in told
    assert "the work goes on" in told
    (live.directory / "go").write_text("done")
    live.outlast("wait", "k", code=0)


def test_follow_shows_the_log_and_how_far_it_is(live: Shell) -> None:
    said = live.outlast("submit", "jobs.py:count", "--follow", code=0)

    assert "part 0\n" in said.out
    assert "part 2\n" in said.out
    assert said.out.endswith('result: {"n":3}\n')


def test_follow_with_json_prints_a_job_object_a_line(live: Shell) -> None:
    said = live.outlast("submit", "jobs.py:count", "--follow", "--json", code=0)

    assert {job["job_id"] for job in said.lines} == {said.lines[0]["job_id"]}
    assert said.lines[-1]["status"] == "completed"
    assert said.lines[-1]["progress"]["done"] == 3


def test_follow_of_a_job_that_has_ended_shows_its_end(live: Shell) -> None:
    live.outlast("submit", "jobs.py:count", "--wait", code=0)

    said = live.outlast("follow", "@last", code=0)

    assert "part 2\n" in said.out
    assert said.out.endswith('result: {"n":3}\n')


def test_follow_on_a_terminal_moves_a_bar_and_gives_the_cursor_back(live: Shell) -> None:
    said = live.on_terminal("submit", "jobs.py:count", "--follow")

    assert said.code == 0
    assert "part 2\n" in said.out
    assert "100%, 3 of 3" in said.out
    assert said.out.rindex("\x1b[?25h") > said.out.rindex("\x1b[?25l")
    assert said.out.endswith('result: {"n":3}\n')


def test_the_log_of_a_job_is_told_apart_by_attempts(live: Shell) -> None:
    job_id = live.outlast("submit", "jobs.py:stumble", "--wait", "--json", code=1).object["job_id"]

    whole = live.outlast("logs", job_id, code=0).out
    first = live.outlast("logs", job_id, "--attempt", "1", code=0).out
    second = live.outlast("logs", job_id, "--attempt", "2", "--json", code=0).object["log"]

    assert whole == f"{first}== attempt 2 ==\n{second}"
    assert first.startswith("try 1\n")
    assert second.startswith("try 2\n")
    assert live.outlast("logs", job_id, "--attempt", "3", code=4).err.endswith(" has no attempt 3.\nIt has had 2.\n")


def test_a_growing_log_is_printed_until_the_end(live: Shell) -> None:
    job_id = live.outlast("run", "--", "sh", "-c", "echo one; until [ -e go ]; do :; done; printf 'two'", code=0).id

    with live.started("logs", job_id, "-f") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        (live.directory / "go").touch()
        assert process.stdout.read() == "two"
        assert process.wait(20) == 0

    lines = live.outlast("logs", job_id, "-f", "--json", code=0).lines
    assert lines == [{"line": "one"}, {"line": "two"}]


def test_what_a_job_prints_is_untouched_in_a_pipe_and_harmless_on_a_terminal(live: Shell) -> None:
    script = r"printf '\033[31mred\033[0m \033]0;title\007 \377\n'"
    job_id = live.outlast("run", "--wait", "--json", "--", "sh", "-c", script, code=0).object["job_id"]

    raw = subprocess.run(
        [PROGRAM, "logs", job_id], env=live._environment(None), cwd=live.directory, capture_output=True, check=True
    ).stdout
    shown = live.on_terminal("logs", job_id).out

    assert raw == b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \xff\n"
    assert shown == "\x1b[31mred\x1b[0m \\x1b]0;title\\x07 \ufffd\n"


def test_a_command_reports_its_progress_and_its_end(live: Shell) -> None:
    script = f"'{PROGRAM}' progress 2 4 half && until [ -e go ]; do :; done; exit 3"
    job_id = live.outlast("run", "--", "sh", "-c", script, code=0).id

    def progress() -> object:
        return live.outlast("show", job_id, "--json", code=0).object.get("progress")

    shown = eventually(progress, what="the progress")
    assert isinstance(shown, dict)
    assert (shown["done"], shown["total"], shown["message"]) == (2, 4, "half")
    (live.directory / "go").touch()
    assert live.outlast("wait", job_id, "--json", code=1).object["error"] == "exit code 3"


def test_a_command_finds_outlast_on_its_path(live: Shell) -> None:
    live.environment["PATH"] = "/usr/bin:/bin"

    said = live.outlast("run", "--wait", "--", "sh", "-c", "outlast progress 1 1", code=0)

    assert "completed" in said.out


def test_a_worker_drains_the_store(shell: Shell) -> None:
    ids = [shell.outlast("submit", "jobs.py:add", f"a={n}", code=0).id for n in range(5)]

    said = shell.outlast("worker", "--drain", "-c", "2", code=0)

    assert said.out == ""
    assert "Running the jobs of" in said.err
    assert [shell.outlast("show", job_id, "--json").object["status"] for job_id in ids] == ["completed"] * 5


def test_a_second_worker_is_refused_for_now(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:until", "path=go", "--key", "k", code=0)
    with shell.started("worker") as process:
        eventually(lambda: _status(shell, "k") == "running", what="the worker to run the job")

        assert shell.outlast("worker", "--json", code=3).error["code"] == "busy"

        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert json.loads(shell.outlast("show", "k", "--json").out)["status"] == "queued"


def _status(shell: Shell, key: str) -> str | None:
    said = shell.outlast("show", key, "--json")
    return None if said.code else str(said.object["status"])


def test_a_worker_leaves_when_its_queues_are_done_though_others_are_not(shell: Shell) -> None:
    mine = shell.outlast("submit", "jobs.py:add", "a=1", "--queue", "mail", code=0).id
    later = shell.outlast("submit", "jobs.py:add", "a=1", "--queue", "mail", "--delay", "1s", code=0).id
    other = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id

    shell.outlast("worker", "--queue", "mail", "--queue", "empty", "--drain", code=0)

    assert [_status(shell, job_id) for job_id in (mine, later, other)] == ["completed", "completed", "queued"]


def test_a_worker_tells_what_its_app_offers(shell: Shell) -> None:
    said = shell.outlast("worker", "--drain", "--app", "jobs.py", code=0)

    assert "jobs.py offers count, stumble.\n" in said.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nothing_of_that_name\n", "app.py:1: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("import os\nos._exit(0)\n", "The import of app.py ended its process."),
        ("import sys\nsys.exit()\n", "app.py:2: it calls sys.exit() when it is imported."),
        ("x = 1\n", "app.py offers no job."),
        (
            "from outlast import job\n@job\ndef work(): pass\nwork.submit()\n",
            "was submitted while its own file was being imported",
        ),
        (None, "There is no file"),
    ],
    ids=["missing-module", "ends", "exits", "no-job", "submits-itself", "no-file"],
)
def test_an_app_that_cannot_be_used_stops_the_worker_before_it_begins(
    shell: Shell, text: str | None, told: str
) -> None:
    if text is not None:
        (shell.directory / "app.py").write_text(text)

    said = shell.outlast("worker", env={"OUTLAST_APP": "app.py"}, code=2)

    assert told in said.err
    assert not (shell.data_dir / "jobs.db").exists()


def test_a_log_that_was_cut_says_so_and_ends_with_the_newest_line(live: Shell) -> None:
    script = "head -c 25000000 /dev/zero | tr '\\0' 'x' | fold -w 99; echo; echo the end"
    job_id = live.outlast("run", "--wait", "--json", "--", "sh", "-c", script, code=0).object["job_id"]

    lines = live.outlast("logs", job_id, code=0).out.splitlines()

    assert lines[0].startswith("== output before this that is not kept: ")
    assert lines[-1] == "the end"
    assert len(lines) < 210_000
    assert live.outlast("logs", job_id, "-f", code=0).out.splitlines() == lines
    assert live.outlast("logs", job_id, "--json", code=0).object["log"].splitlines() == lines


def test_a_log_is_followed_while_it_is_cut(live: Shell) -> None:
    script = (
        "for part in 1 2 3; do"
        " head -c 6000000 /dev/zero | tr '\\0' $part | fold -w 99; echo; echo part $part;"
        " until [ -e go$part ]; do :; done; done"
    )
    job_id = live.outlast("run", "--", "sh", "-c", script, code=0).id

    with live.started("logs", job_id, "-f") as process:
        assert process.stdout is not None
        lines = []
        for part in "123":
            while (line := process.stdout.readline()) != f"part {part}\n":
                lines.append(line)
            (live.directory / f"go{part}").touch()
        assert process.stdout.read() == ""
        assert process.wait(20) == 0

    assert sum(len(line.strip()) for line in lines) == 18_000_000
    assert (live.data_dir / "logs" / f"{job_id}.log.1").exists()


def test_memory_limit_and_end_call_are_options(live: Shell) -> None:
    script = "x = []\nwhile True: x.append(bytearray(b'1') * 10_000_000)"
    on_end = "cat >told.json"

    said = live.outlast(
        "run",
        "--memory-limit",
        "90MB",
        "--on-end",
        on_end,
        "--wait",
        "--json",
        "--",
        sys.executable,
        "-c",
        script,
        code=1,
    )

    assert said.object["reason"] == "out_of_memory"
    assert "its limit is 90 MB" in said.object["error"]
    told = eventually(lambda: _json_of(live.directory / "told.json"), timeout=20, what="the call")
    assert told == said.object


def _json_of(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--memory-limit", "much", "'much' is not a size."),
        ("--memory-limit", "0", "'0' is not a usable size"),
        ("--on-end", "http://example.org/", "sends unencrypted to another machine"),
    ],
)
def test_limits_and_calls_that_make_no_sense_are_refused(shell: Shell, option: str, value: str, told: str) -> None:
    said = shell.outlast("submit", "jobs.py:add", "a=1", option, value, code=2)

    assert told in said.err
