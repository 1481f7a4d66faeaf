"""Places where a program has little: few descriptors, no home, a directory that cannot be written."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import PROGRAM, Shell, shell_in
from tests.crash.work import number
from tests.workshop import Workshop

DESCRIPTORS = 16


def in_a_small_world(shell: Shell, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the program with few descriptors and without a home."""
    script = f'ulimit -n {DESCRIPTORS}; unset HOME; exec "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", PROGRAM, *words],
        cwd=shell.directory,
        env=shell._environment(None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_with_16_descriptors_and_no_home_everything_works(tmp_path: Path, data_dir: Path) -> None:
    with shell_in(tmp_path, data_dir) as shell:
        shell.live()
        submitted = in_a_small_world(shell, "submit", "jobs.py:count", "n=2", "--wait", "--json")
        ran = in_a_small_world(shell, "run", "--wait", "--", "sh", "-c", "echo from a command")
        looked = [
            in_a_small_world(shell, *words)
            for words in (
                ("list", "-a"),
                ("show", "@last"),
                ("logs", "@last"),
                ("stats",),
                ("prune", "--older-than", "1h"),
            )
        ]

        assert (submitted.returncode, ran.returncode) == (0, 0), submitted.stderr + ran.stderr
        assert [done.returncode for done in looked] == [0] * len(looked)
        assert looked[2].stdout == "from a command\n"


def test_a_directory_that_cannot_be_written_is_looked_at_and_every_change_says_why(
    tmp_path: Path, data_dir: Path
) -> None:
    with shell_in(tmp_path, data_dir) as shell:
        job_id = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id
        looks = [["list", "-a"], ["show", job_id], ["logs", job_id], ["stats"]]
        changes = [
            ["submit", "jobs.py:add", "a=1"],
            ["cancel", job_id],
            ["remove", job_id],
            ["prune", "--older-than", "0s"],
            ["worker", "--drain"],
        ]

        looked = [read_only(shell, words) for words in looks]
        changed = [read_only(shell, words) for words in changes]

        assert [done.returncode for done in looked] == [0] * len(looks), looked
        for words, done in zip(changes, changed, strict=True):
            assert done.returncode == 2, (words, done)
            first, *rest = done.stderr.removesuffix("\n").split("\n")[-2:]
            assert first.startswith("Error: "), (words, done)
            assert len(rest) == 1, (words, done)
        assert shell.outlast("show", job_id, "--json", code=0).object["status"] == "queued"


def read_only(shell: Shell, words: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run the program where the data directory is mounted read-only."""
    mounts = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounts, str(shell.data_dir), PROGRAM, *words],
        cwd=shell.directory,
        env=shell._environment(None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip("needs root")
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_supervisor_of_few_descriptors_runs_several_jobs_at_a_time(workshop: Workshop) -> None:
    script = f'ulimit -n {2 * DESCRIPTORS}; exec "$@"'
    command = ["/bin/sh", "-c", script, "sh", sys.executable, "-m", "tests.crash.idle", "0.5"]
    with subprocess.Popen(command):
        workshop.supervisor()

        handles = [workshop.submit(number, value) for value in range(20)]

        assert [handle.result(timeout=30) for handle in handles] == list(range(20))
