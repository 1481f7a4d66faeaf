"""Measurements in processes of their own: peers in an environment of theirs, made of bench/peers/requirements.txt."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".bench" / "venv"
REQUIREMENTS = ROOT / "bench" / "peers" / "requirements.txt"
PEERS = ("huey", "dbos", "persistqueue", "procrastinate", "rq", "celery", "dramatiq")
LONGEST_SECONDS = 900


def interpreter(name: str) -> str:
    """Return the interpreter that has this subject."""
    return str(ENVIRONMENT / "bin" / "python") if name in PEERS else sys.executable


def prepare() -> None:
    """Make the environment of the peers, or let it be if it is as it should be."""
    marker = ENVIRONMENT / ".made-of"
    wanted = REQUIREMENTS.read_text()
    if marker.exists() and marker.read_text() == wanted:
        return
    say("installing the peers ...")
    uv = os.environ.get("UV", "uv")
    subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(ENVIRONMENT)], check=True)
    python = str(ENVIRONMENT / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "-r", str(REQUIREMENTS)], check=True)
    marker.write_text(wanted)


def say(line: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(line + "\n")


def run(name: str, module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run one measurement; return what it printed.

    `missing` in it says what it would need, `failed` why it came to nothing.
    """
    try:
        done = subprocess.run(
            [interpreter(name), "-m", module, name, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"took longer than {LONGEST_SECONDS} s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"failed": (done.stderr.strip().splitlines() or ["it said nothing"])[-1]}
    found: dict[str, Any] = json.loads(lines[-1])
    return found
