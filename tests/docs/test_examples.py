"""Every example runs by itself, as a process in an empty directory, and says what it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, table
from tests.workshop import Workshop

FOLDER = ROOT / "examples"
SECONDS = 60.0
SAYS = {
    "mirror.py": r"job mirror_\d+_[0-9a-f]{16}\n +\d+ bytes .*index\.html\n( +\d+ bytes .*\n){2}",
    "daily_activities.py": r"(?s).*alice.*check-in done in attempt 1\n.*alice.*quiz done in attempt 2\n.*"
    r"bob.*poll done in attempt 2\n.*: completed, attempts: 2\n",
    "daily_checklist.py": r"killed: 2 of 6 completed, 4 remain\nkilled: 4 of 6 completed, 2 remain\n"
    r'ended: 6 of 6 completed, 0 remain\n\{\n  "date"(?s:.*)"remaining": \[\],\n.*\n\}\n'
    r"begun twice, because it was cut short: quiz-2, read-news\n",
    "long_computation.py": r"killing process \d+ at \d+ of 500000\n\{'sum': 9914236195, 'attempts': 2\}\n"
    r"attempt 1 begins at 2\n== attempt 2 ==\nattempt 2 begins at [1-9]\d{4,5}\n",
    "resumable_command.sh": r"(?s).*item 3\n.*the network has gone away\n.*begins with item 4\n.*item 6\n"
    r'.*completed after .*\nresult: \{"exit_code":0\}\n',
    "copy_tree.sh": r"(?s).*begins after 0 of 12 files\n.*copied \./2025/9\.jpg\n.*completed after .*\n",
    "encode_segments.sh": r"(?s).*begins with segment 0\n.*encoded segment 7\n.*completed after .*\n",
    "train_model.py": r"(?s).*begins after epoch 0\n.*epoch 12: loss 0\.0\d+\n.*completed after .*\n",
    "wait_for_file.py": r"waiting condition \{'path': '.*/answer\.txt'\}\n"
    r"\{'lines': 3, 'asked_in_attempt': 1, 'finished_in_attempt': \d\}\n",
    "parent.py": r"\{'sum': 50, 'children': 3\}\n(square_\d+_[0-9a-f]{16} completed \d+\n){3}",
}
"""What each prints, as a regular expression."""


def run(name: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run an example in a directory, with the programs of this environment on the path."""
    command = ["sh" if name.endswith(".sh") else sys.executable, str(FOLDER / name)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs_in_an_empty_directory(name: str, tmp_path: Path, workshop: Workshop) -> None:
    done = run(name, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(SAYS[name], done.stdout), done.stdout + done.stderr


def test_the_mirror_finds_its_job_again(tmp_path: Path, workshop: Workshop) -> None:
    first, second = run("mirror.py", tmp_path), run("mirror.py", tmp_path)

    assert first.stdout == second.stdout
    [log] = workshop.places.logs.glob("mirror_*.log")
    assert log.read_text().count("fetching") == 3


def test_every_example_is_listed_and_run() -> None:
    programs = {path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".sh")}
    listed = {
        word for row in table(FOLDER / "README.md", "Examples") for word in re.findall(r"\]\((.*?)\)", " ".join(row))
    }

    assert listed == programs
    assert SAYS.keys() == programs - {"squares.py"}
