"""`wait follow logs run worker`: jobs that really run."""

import json
import signal
import subprocess

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
    assert live.outlast("logs", job_id, "--attempt", "3", code=0).out == ""


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
