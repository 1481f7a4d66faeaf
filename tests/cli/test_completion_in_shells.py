"""Completion in real shells on a real terminal: somebody types, and presses TAB."""

import os
import pty
import re
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.shell import PROGRAM, Shell

SECONDS = 30.0
PROMPT = "ready> "
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[()][0-9A-Za-z]|[=>]|\][^\x07]*\x07)|[\r\x07\x08]")

RC = {
    "bash": f"PS1='{PROMPT}'; bind 'set enable-bracketed-paste off'; eval \"$(outlast completion bash)\"\n",
    "zsh": f"PS1='{PROMPT}'; autoload -Uz compinit; compinit -u -D; eval \"$(outlast completion zsh)\"\n",
    "fish": f"function fish_prompt; printf '{PROMPT}'; end; outlast completion fish | source\n",
}


class Terminal:
    """A shell on a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._shown = ""

    def type(self, text: str) -> None:
        """Type on an empty line."""
        self._shown = ""
        os.write(self._descriptor, b"\x15" + text.encode())

    def until(self, expected: str) -> str:
        """Return what is shown once it holds `expected`."""
        deadline = time.monotonic() + SECONDS
        while expected not in self.shown:
            if not select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                pytest.fail(f"Waited for {expected!r}; there was {self.shown!r}.")
            self._shown += os.read(self._descriptor, 65_536).decode(errors="replace")
        return self.shown

    @property
    def shown(self) -> str:
        """What is shown, without what steers the terminal."""
        return _ESCAPES.sub("", self._shown)


@contextmanager
def terminal(shell: Shell, name: str) -> Iterator[Terminal]:
    """Start an interactive shell that knows our completion, and only that."""
    place = shell.directory / "home"
    place.mkdir()
    rc = place / (".zshrc" if name == "zsh" else "rc")
    rc.write_text(RC[name])
    arguments = {"bash": ["--noprofile", "--rcfile", str(rc), "-i"], "zsh": ["-d", "-i"]}
    command = [name, *arguments.get(name, ["--no-config", "-i", "-C", f"source {rc}"])]
    path = f"{os.path.dirname(PROGRAM)}{os.pathsep}{os.environ['PATH']}"
    environment = {**shell._environment({"TERM": "xterm"}), "PATH": path, "HOME": str(place), "ZDOTDIR": str(place)}
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(shell.directory)
        os.execvpe(name, command, {**environment, "COLUMNS": "200"})
    try:
        found = Terminal(descriptor)
        found.until(PROMPT)
        yield found
    finally:
        os.close(descriptor)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_person_types_and_presses_tab(shell: Shell, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", "--key", "mirror:2025-09-20", code=0).id

    with terminal(shell, name) as typed:
        for text, expected in (
            ("outlast expl\t", "outlast explain "),
            ("outlast list sta\t", "outlast list status:"),
            ("outlast list status:fa\t", "outlast list status:failed "),
            ("outlast list -status:fa\t", "outlast list -status:failed "),
            ("outlast show add_\t", f"outlast show {job_id} "),
            ("outlast show mirror:20\t", "outlast show mirror:2025-09-20 "),
            ("outlast cancel --match kind:a\t", "outlast cancel --match kind:add "),
        ):
            typed.type(text)
            typed.until(expected)
