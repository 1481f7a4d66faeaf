"""Crash points: inert unless armed, and then a death that nothing survives."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, sys
from outlast.crashpoint import crash_point
atexit.register(print, "exit handlers ran")
try:
    for number in range(1, 4):
        crash_point("save_step:written")
        crash_point("save_step:committed")
        print(number, flush=True)
finally:
    print("finally ran", flush=True)
"""
WHOLE = "1\n2\n3\nfinally ran\nexit handlers ran\n"


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program, which passes each of its two crash points three times."""
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OUTLAST_CRASH_POINT": ""},
        {"OUTLAST_CRASH_POINT": "save_step"},
        {"OUTLAST_CRASH_POINT": "another:committed"},
        {"OUTLAST_CRASH_POINT": "save_step:committed#4"},
    ],
)
def test_a_point_that_is_not_named_does_nothing(variables: dict[str, str]) -> None:
    done = run(**variables)

    assert (done.returncode, done.stdout, done.stderr) == (0, WHOLE, "")


@pytest.mark.parametrize(
    ("armed", "printed"),
    [
        ("save_step:written", ""),
        ("save_step:committed", ""),
        ("save_step:committed#1", ""),
        ("save_step:written#2", "1\n"),
        ("save_step:committed#3", "1\n2\n"),
    ],
)
def test_the_process_dies_at_the_named_hit_without_a_last_word(armed: str, printed: str) -> None:
    done = run(OUTLAST_CRASH_POINT=armed)

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, printed, "")


def test_with_a_file_it_dies_only_once(tmp_path: Path) -> None:
    once = tmp_path / "died"
    armed = {"OUTLAST_CRASH_POINT": "save_step:committed#2", "OUTLAST_CRASH_ONCE": str(once)}

    first, second = run(**armed), run(**armed)

    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "1\n")
    assert once.exists()
    assert (second.returncode, second.stdout) == (0, WHOLE)
