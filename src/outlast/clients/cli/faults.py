"""How an error is told: one or two lines for a person, or an object for a program, and the exit code."""

import errno
import os
import re
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

import click

from outlast.clients.render.jsontext import json_text
from outlast.clients.render.paint import Paint
from outlast.clients.render.text import visible
from outlast.core.errors import OutlastError

CODES = frozenset(
    {
        "usage",
        "not_found",
        "conflict",
        "busy",
        "timeout",
        "store_damaged",
        "store_full",
        "store_read_only",
        "store_newer",
        "refused",
        "internal",
    }
)
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]+\.tmp")
"""A file that was to take the place of the one that was named (outlast.durable)."""
_OF_ERRNO = {
    errno.ENOSPC: ("store_full", 3, "Free some space and try again."),
    errno.EDQUOT: ("store_full", 3, "Free some space and try again."),
    errno.EROFS: ("store_read_only", 2, "Name a directory that can be written with --data-dir."),
    errno.EACCES: ("store_read_only", 2, "Check its owner and mode, or name another directory with --data-dir."),
    errno.EPERM: ("store_read_only", 2, "Check its owner and mode, or name another directory with --data-dir."),
    errno.ENOTDIR: ("usage", 2, "Name a directory with --data-dir."),
    errno.EEXIST: ("usage", 2, "Name a directory with --data-dir."),
    errno.ENAMETOOLONG: ("usage", 2, "Use a shorter name."),
    errno.EMFILE: ("busy", 3, "Raise the limit of open files (ulimit -n) and try again."),
    errno.ENFILE: ("busy", 3, "Try again when fewer files are open."),
}
_OF_OUTPUT = {
    errno.EROFS: "Name a file where it can be written.",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), "Check its owner and mode, and those of its directory, or name another file."
    ),
}
"""The mend for a file that a person named, where --data-dir is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as it is told."""

    code: str
    message: str
    fix: str
    exit_code: int


def fault_of(error: Exception, log_directory: Path | None) -> Fault:
    """Return how `error` is told; of one that nobody foresaw the traceback is written to a file."""
    if isinstance(error, OutlastError):
        code = error.code if error.code in CODES else "internal"
        return Fault(code=code, message=error.message, fix=error.fix, exit_code=error.exit_code)
    if isinstance(error, click.ClickException):
        return _of_click(error)
    if isinstance(error, OSError) and error.errno in _OF_ERRNO:
        code, exit_code, fix = _OF_ERRNO[error.errno]
        place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
        if temporary := _TEMPORARY.fullmatch(os.path.basename(place)):
            place = os.path.join(os.path.dirname(place), temporary[1])
            fix = _OF_OUTPUT.get(error.errno, fix)
        words = f"{place}: {error.strerror}." if place else f"{error.strerror}."
        return Fault(code=code, message=words, fix=fix, exit_code=exit_code)
    return _unforeseen(error, log_directory)


def _of_click(error: click.ClickException) -> Fault:
    ctx = getattr(error, "ctx", None)
    command = "outlast" if ctx is None else ctx.command_path
    return Fault(
        code="usage", message=" ".join(error.format_message().split()), fix=f"{command} --help tells more.", exit_code=2
    )


def _unforeseen(error: Exception, log_directory: Path | None) -> Fault:
    kind = type(error).__name__
    text = "".join(traceback.format_exception(error)).encode(errors="backslashreplace")
    try:
        handle, path = tempfile.mkstemp(prefix="outlast-error-", suffix=".txt", dir=log_directory)
        with open(handle, "wb") as file:
            file.write(text)
        fix = f"The traceback is in {path}; please report it."
    except OSError:
        fix = "Its traceback could not be written anywhere."
    return Fault(code="internal", message=f"Outlast met an error of its own: {kind}: {error}", fix=fix, exit_code=2)


def tell(fault: Fault, *, as_json: bool, paint: Paint) -> None:
    """Write the fault to stderr."""
    if sys.stderr is None:
        return
    if as_json:
        told = {"code": fault.code, "message": fault.message, "fix": fault.fix}
        sys.stderr.write(json_text({"error": told}, sys.stderr) + "\n")
        return
    sys.stderr.write(f"{paint('Error:', 'red')} {visible(fault.message)}\n")
    if fault.fix:
        sys.stderr.write(f"{visible(fault.fix)}\n")
