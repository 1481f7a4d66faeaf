"""The one gate: format, lint, types, and the tests (layers and docs are tests too).

    ./run test                  everything
    ./run test ARGUMENTS        only pytest, with these arguments

Every stage runs, also after one has failed. pytest comes last, so that only our own lines follow its closing line.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One check. Its output is shown while it runs (`live`), else only if it fails."""

    name: str
    command: tuple[str, ...]
    live: bool = False


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


STAGES = (
    Stage(name="format", command=_python("ruff", "format", "--check", ".")),
    Stage(name="lint", command=_python("ruff", "check", ".")),
    Stage(name="types", command=_python("mypy")),
    # Most tests wait for processes they have started: three at once keep two cores busy. Files come in their order: the
    # long ones have few tests, and would be left for the end, when nobody else has anything to do.
    Stage(
        name="tests", command=_python("pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"), live=True
    ),
)


def run_stages(stages: Sequence[Stage], root: Path) -> int:
    """Run every stage in `root`; return 0, or 1 if one failed."""
    began = time.monotonic()
    failed = [stage.name for stage in stages if not _passes(stage, root)]
    seconds = time.monotonic() - began
    if failed:
        _say(f"gate: FAILED in {seconds:.1f} s: {', '.join(failed)}")
        return 1
    _say(f"gate: passed in {seconds:.1f} s")
    return 0


def _passes(stage: Stage, root: Path) -> bool:
    if stage.live:
        _say(f"gate: {stage.name} ...")
    began = time.monotonic()
    done = subprocess.run(
        stage.command,
        cwd=root,
        stdout=None if stage.live else subprocess.PIPE,
        stderr=None if stage.live else subprocess.STDOUT,
        check=False,
    )
    word = "FAILED" if done.returncode else "ok"
    _say(f"gate: {stage.name} {word} ({time.monotonic() - began:.1f} s)")
    if done.returncode and not stage.live:
        _say(done.stdout.decode(errors="replace").rstrip())
    return done.returncode == 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run the whole gate, or with arguments only pytest; return the exit code."""
    if arguments:
        os.chdir(ROOT)
        os.execv(sys.executable, _python("pytest", *arguments))
    try:
        return run_stages(STAGES, ROOT)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
