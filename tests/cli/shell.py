"""The program `outlast` in a directory of its own, run as a person or a script runs it."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.workshop import Workshop

PROGRAM = str(Path(sys.executable).with_name("outlast"))
SECONDS = 60.0
QUESTION = b"[y/N]"
INTERRUPT = b"\x03"
_PATIENCE_SECONDS = 0.5
_COLUMNS = 80
_NOT_KEPT = ("NO_COLOR", "TERM", "LINES", "PYTHONDONTWRITEBYTECODE")

JOBS_PY = """
import os
import threading
from outlast import Context, job

def add(a, b=2):
    return a + b

def hello(name):
    print(f"hello {name}")

@job(max_attempts=2, backoff="10ms")
def stumble(ctx: Context):
    print("try", ctx.attempt)
    raise ValueError("no good")

@job
def count(ctx: Context, n=3):
    for i in ctx.each(list(range(n))):
        print("part", i)
        ctx.progress(done=i + 1, total=n, message=f"part {i}")
    return {"n": n}

def until(path):
    while not os.path.exists(path):
        threading.Event().wait(0.02)
    return open(path).read()
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a run of the program gave back."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> Any:
        """The JSON object on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, str]:
        """The error of `--json`."""
        told: dict[str, str] = json.loads(self.err)["error"]
        return told

    @property
    def id(self) -> str:
        """The id that `submit` or `run` printed."""
        return self.out.strip()


class Shell:
    """A directory with `jobs.py` in it, and a store; `live` says that jobs really run."""

    def __init__(self, directory: Path, data_dir: Path) -> None:
        self.directory = directory
        self.data_dir = data_dir
        self.environment: dict[str, str] = {}
        (directory / "jobs.py").write_text(JOBS_PY, encoding="utf-8")

    def outlast(self, *args: str | bytes, env: Mapping[str, str] | None = None, code: int | None = None) -> Said:
        """Run the program without a terminal; with `code` that must be its exit code."""
        done = subprocess.run(
            [PROGRAM, *args],
            cwd=self.directory,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback (most recent call last)" not in said.err, said.err
        assert code is None or said.code == code, said
        return said

    def bash(self, script: str, *args: str) -> Said:
        """Run a script in which `outlast` is the program."""
        done = subprocess.run(
            ["bash", "-c", f'outlast() {{ "{PROGRAM}" "$@"; }}; {script}', "bash", *args],
            cwd=self.directory,
            env=self._environment(None),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def started(self, *args: str) -> Iterator["subprocess.Popen[str]"]:
        """Start the program and leave it running; it is killed at the end of the block if it still does."""
        process = subprocess.Popen(
            [PROGRAM, *args],
            cwd=self.directory,
            env=self._environment(None),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def on_terminal(self, *args: str, answer: str = "", columns: int = _COLUMNS) -> Said:
        """Run the program on a terminal, where stdout and stderr are one; `answer` is typed at the first question."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            os.execve(PROGRAM, [PROGRAM, *args], {**self._environment({"TERM": "xterm"}), "COLUMNS": str(columns)})
        try:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            shown = _read_all(terminal, answer.encode())
        finally:
            os.close(terminal)
            _, status = os.waitpid(pid, 0)
        return Said(os.waitstatus_to_exitcode(status), shown.replace("\r\n", "\n"), "")

    def live(self) -> None:
        """Let a supervisor be started by what comes."""
        del self.environment["OUTLAST_AUTOSTART"]

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_KEPT}
        return {**kept, "COLUMNS": str(_COLUMNS), **self.environment, **(more or {})}


def _read_all(terminal: int, answer: bytes) -> str:
    shown = bytearray()
    answered = not answer
    while True:
        # A signal just before a process begins to read does not end that read: whoever typed ^C types it again.
        silent = answer == INTERRUPT and not select.select([terminal], [], [], _PATIENCE_SECONDS)[0]
        if QUESTION in shown and (silent or not answered):
            os.write(terminal, answer)
            answered = True
        if silent:
            continue
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # Linux says EIO once the last process has left the terminal
            break
        if not piece:
            break
        shown += piece
    return shown.decode()


@contextmanager
def shell_in(directory: Path, data_dir: Path) -> Iterator[Shell]:
    """Return a shell without a supervisor; whatever it starts later is killed at the end of the block."""
    shell = Shell(directory, data_dir)
    shell.environment["OUTLAST_AUTOSTART"] = "0"
    try:
        yield shell
    finally:
        if data_dir.exists():
            Workshop(data_dir).stop()


def ids_of(jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of job objects."""
    return [job["job_id"] for job in jobs]
