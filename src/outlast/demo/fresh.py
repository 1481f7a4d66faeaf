"""A fresh process of the command line: one that knows nothing but what lies on the disk."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

PATIENCE_SECONDS = 30.0


class FreshProcess:
    """`outlast` with these arguments, started at once; it does not outlive the block."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process = subprocess.Popen(
            [sys.executable, "-m", "outlast", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._errors = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def answer(self) -> dict[str, Any]:
        """Wait for its end and return the object it printed; empty if it printed none."""
        try:
            text, self._errors = self._process.communicate(timeout=PATIENCE_SECONDS)
            answer = json.loads(text)
        except (subprocess.TimeoutExpired, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def as_evidence(self) -> dict[str, Any]:
        """Return what was called and how it ended."""
        evidence = {"command": " ".join(["outlast", *self._arguments]), "pid": self.pid, "exit_code": self.exit_code}
        return {**evidence, "stderr": self._errors} if self._errors else evidence

    def __enter__(self) -> "FreshProcess":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
