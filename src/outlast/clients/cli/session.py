"""What one run of the command line knows: the options around its command, the store, and where output goes."""

import errno
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.render.jsontext import json_text
from outlast.clients.render.secrets import masked_url
from outlast.core.errors import NotFound, OutlastError, UsageError

if TYPE_CHECKING:
    from outlast.clients.render.jobs import Screen
    from outlast.clients.render.paint import Paint
    from outlast.core.moments import Moment
    from outlast.service import Service
    from outlast.settings import Settings

LEAST_WIDTH = 40


class OutputLost(OutlastError):
    """What belongs on stdout could not be written there."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"stdout cannot be written: {error.strerror}.", "Check where it leads, and try again.")
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self.code, self.exit_code = ("store_full", 3) if full else ("internal", 2)


class Session:
    """One run of the command line; the store is opened when the first command asks for it."""

    def __init__(self) -> None:
        self._options: dict[str, Any] = {}
        self._settings: Settings | None = None
        self._service: Service | None = None

    def choose(self, name: str, value: object) -> None:
        """Note a global option; one after the command wins over one before it."""
        self._options[name] = value

    @property
    def json(self) -> bool:
        """True if output is JSON."""
        return bool(self._options.get("json"))

    @property
    def settings(self) -> "Settings":
        """The settings in force, with the options of the command line."""
        if self._settings is None:
            from outlast.settings import load_settings

            flags = {
                variable: self._options[name]
                for name, variable in (("data_dir", "JOBS_DATA_DIR"), ("store", "OUTLAST_STORE"))
                if name in self._options
            }
            try:
                self._settings = load_settings(flags)
            except FileNotFoundError:
                raise UsageError("The current directory is gone.", "Change to one that exists.") from None
        return self._settings

    @property
    def flags(self) -> Mapping[str, Any]:
        """The global options that were given, by name."""
        return dict(self._options)

    def service(self) -> "Service":
        """Return the service of the store, which is created if it does not exist."""
        if self._service is None:
            from outlast.app import open_service

            try:
                self._service = open_service(self.settings, client="cli")
            except FileNotFoundError as error:
                place = self.settings.data_dir
                raise UsageError(f"{place} cannot be made: {error.strerror}.", "Name another --data-dir.") from None
        return self._service

    def existing(self) -> "Service":
        """Return the service of a store that exists; looking must not create one. Raise NotFound."""
        self.expect_store()
        return self.service()

    def expect_store(self) -> None:
        """Raise NotFound if there is no store."""
        if not self.has_store():
            raise NotFound(
                f"There are no jobs in {self.place} yet.",
                "outlast submit starts one; --data-dir names another place.",
            )

    @property
    def place(self) -> str:
        """Where the jobs are, as it may be shown."""
        url = self.settings["OUTLAST_STORE"]
        return str(self.settings.data_dir) if url is None else masked_url(url)

    def has_store(self) -> bool:
        """Tell whether there is a store, without creating one. Raise UsageError if there cannot be one."""
        settings = self.settings
        url = settings["OUTLAST_STORE"]
        if url is not None:
            return not url.startswith("sqlite:///") or os.path.lexists(url.removeprefix("sqlite://"))
        if not settings.persist:
            return True
        if os.path.exists(settings.data_dir) and not os.path.isdir(settings.data_dir):
            raise UsageError(f"{settings.data_dir} is no directory.", "Name one with --data-dir.")
        return any(os.path.lexists(settings.data_dir / name) for name in ("jobs.db", "jobs.json", "jobs.db.repair"))

    def close(self) -> None:
        """Let go of the store."""
        if self._service is not None:
            self._service.close()
            self._service = None

    def now(self) -> "Moment":
        """Return this moment."""
        return round(time() * 1000)

    @property
    def on_terminal(self) -> bool:
        """True if a person reads stdout."""
        return sys.stdout is not None and sys.stdout.isatty()

    @property
    def can_ask(self) -> bool:
        """True if a person can answer a question."""
        return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))

    def paint(self, *, on_stderr: bool = False) -> "Paint":
        """Return the brush for stdout (or stderr)."""
        from outlast.clients.render.paint import Paint

        return Paint(self._colours(sys.stderr if on_stderr else sys.stdout))

    def screen(self, *, on_stderr: bool = False) -> "Screen":
        """Return what text for people is made for."""
        from shutil import get_terminal_size

        from outlast.clients.render.jobs import Screen

        width = max(get_terminal_size((80, 24)).columns, LEAST_WIDTH)
        return Screen(width=width, now=self.now(), paint=self.paint(on_stderr=on_stderr))

    def print_lines(self, lines: Iterable[str]) -> None:
        """Write lines of data to stdout."""
        self.write("".join(f"{line}\n" for line in lines))

    def write(self, text: str | bytes, *, flush: bool = False) -> None:
        """Write to stdout, if there is one. Raise OutputLost; BrokenPipeError if nobody reads it any more."""
        if sys.stdout is None:
            return
        try:
            if isinstance(text, str):
                sys.stdout.write(text)
            else:
                sys.stdout.flush()
                sys.stdout.buffer.write(text)
            if flush:
                sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error) from None

    def print_json(self, value: object, *, stream: bool = False) -> None:
        """Write a JSON object to stdout: indented for a person, else (and in a `stream`) on one line."""
        indent = 2 if self.on_terminal and not stream else None
        self.print_lines([json_text(value, sys.stdout, indent)])
        if stream:
            self.write("", flush=True)

    def note(self, text: str) -> None:
        """Say something to a person on stderr; programs that want JSON are not told."""
        if not self.json and sys.stderr is not None:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def log_directory(self) -> Path | None:
        """Return the directory of the logs if there is one."""
        if self._settings is None:
            return None
        path = self._settings.data_dir / "logs"
        return path if os.path.isdir(path) else None

    def _colours(self, stream: Any) -> bool:
        chosen = self._options.get("color", "auto")
        if chosen != "auto":
            return bool(chosen == "always")
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not plain and stream is not None and bool(stream.isatty())


pass_session = click.make_pass_decorator(Session)


def examples(*lines: str) -> str:
    """Return the epilog of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
