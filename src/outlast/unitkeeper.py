"""Putting the worker's unit where the system looks for it, starting it, asking after it, taking it away."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from outlast.core.errors import NotFound, Refused
from outlast.durable import ensure_directory, fsync_directory, replace_file
from outlast.unit import Unit, launchd_text, systemd_text

ANSWER_SECONDS = 60.0
_BY_HAND = "Run `outlast worker` under whatever starts programs here; `outlast service install --print` shows a unit."


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a unit is: in the words of the system, `active` and `enabled`."""

    path: str
    active: str
    enabled: str
    pid: int | None


class Keeper(Protocol):
    """The part of a system that keeps services running."""

    def text(self, unit: Unit) -> str:
        """Return what is written for the unit."""

    def install(self, unit: Unit) -> Path:
        """Write the unit, so that it is whole or not there, and start it now and at each login; return its file."""

    def state(self, unit: Unit) -> State:
        """Return how the unit is. Raise NotFound if it is not installed."""

    def uninstall(self, unit: Unit) -> Path:
        """Stop the unit and remove its file; return which it was. Raise NotFound if it is not installed."""

    def hints(self, unit: Unit) -> list[str]:
        """Return the commands by which a person sees more."""


def keeper() -> Keeper:
    """Return the one of this system."""
    return Launchd() if sys.platform == "darwin" else Systemd()


class Systemd:
    """The user's own systemd."""

    def text(self, unit: Unit) -> str:
        return systemd_text(unit)

    def install(self, unit: Unit) -> Path:
        self._run("show-environment")  # first: if nobody answers, nothing is written
        path = self._path(unit)
        ensure_directory(path.parent)
        replace_file(path, self.text(unit).encode())
        self._run("daemon-reload")
        self._run("enable", "--now", path.name)
        return path

    def state(self, unit: Unit) -> State:
        path = self._installed(unit)
        told = self._run("show", "--property=ActiveState,UnitFileState,MainPID", path.name)
        facts = dict(line.partition("=")[::2] for line in told.splitlines())
        return State(
            path=str(path),
            active=facts.get("ActiveState") or "unknown",
            enabled=facts.get("UnitFileState") or "unknown",
            pid=int(facts.get("MainPID") or 0) or None,
        )

    def uninstall(self, unit: Unit) -> Path:
        path = self._installed(unit)
        self._run("disable", "--now", path.name)
        _remove(path)
        self._run("daemon-reload")
        return path

    def hints(self, unit: Unit) -> list[str]:
        name = self._path(unit).name
        return [
            f"systemctl --user status {name}    how it is",
            f"journalctl --user -u {name}       what it says",
            "loginctl enable-linger            lets it run while you are not logged in",
        ]

    def _path(self, unit: Unit) -> Path:
        home = os.environ.get("XDG_CONFIG_HOME", "")
        base = Path(home) if os.path.isabs(home) else Path.home() / ".config"
        return base / "systemd" / "user" / f"{unit.name}.service"

    def _installed(self, unit: Unit) -> Path:
        return _existing(self._path(unit), unit)

    @staticmethod
    def _run(*words: str) -> str:
        return _ask(["systemctl", "--user", *words], "systemd")


class Launchd:
    """The user's own launchd (macOS)."""

    def text(self, unit: Unit) -> str:
        return launchd_text(unit).decode()

    def install(self, unit: Unit) -> Path:
        path = self._path(unit)
        ensure_directory(path.parent)
        replace_file(path, launchd_text(unit))
        self._run("bootstrap", self._domain(), str(path))
        return path

    def state(self, unit: Unit) -> State:
        path = _existing(self._path(unit), unit)
        told = self._run("print", f"{self._domain()}/{unit.name}")
        facts = dict(line.strip().partition(" = ")[::2] for line in told.splitlines())
        pid = facts.get("pid", "")
        return State(
            path=str(path),
            active=facts.get("state", "unknown"),
            enabled="enabled",
            pid=int(pid) if pid.isdecimal() else None,
        )

    def uninstall(self, unit: Unit) -> Path:
        path = _existing(self._path(unit), unit)
        self._run("bootout", f"{self._domain()}/{unit.name}")
        _remove(path)
        return path

    def hints(self, unit: Unit) -> list[str]:
        return [f"launchctl print {self._domain()}/{unit.name}    how it is"]

    @staticmethod
    def _path(unit: Unit) -> Path:
        return Path.home() / "Library" / "LaunchAgents" / f"{unit.name}.plist"

    @staticmethod
    def _domain() -> str:
        return f"gui/{os.getuid()}"

    @staticmethod
    def _run(*words: str) -> str:
        return _ask(["launchctl", *words], "launchd")


def _ask(command: Sequence[str], who: str) -> str:
    """Return what the program prints. Raise Refused if there is none, or if it fails."""
    if shutil.which(command[0]) is None:
        raise Refused(f"There is no {who} here (no {command[0]}).", _BY_HAND)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=ANSWER_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"{who} does not answer: `{' '.join(command)}` takes too long.", _BY_HAND) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise Refused(f"`{' '.join(command)}` failed: {said[:500].rstrip('.')}.", _BY_HAND)
    return done.stdout


def _existing(path: Path, unit: Unit) -> Path:
    if not path.exists():
        raise NotFound(f"No service is installed for {unit.directory}.", "outlast service install installs one.")
    return path


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    fsync_directory(path.parent)
