"""`outlast progress`: how far a command that runs as a job is."""

import json
import math
import os
import tempfile

import click

from outlast.clients.cli.session import examples
from outlast.core.errors import UsageError

VARIABLE = "OUTLAST_PROGRESS_FILE"
LONGEST_MESSAGE = 1_000


@click.command(epilog=examples('outlast progress 3 10 "third of ten files"'))
@click.argument("done", type=float)
@click.argument("total", type=float)
@click.argument("message", required=False)
def command(done: float, total: float, message: str | None) -> None:
    """Say how far a shell command is, from inside it.

    Works in a command that was started with outlast run; DONE and TOTAL are numbers.
    """
    for name, number in (("DONE", done), ("TOTAL", total)):
        if not math.isfinite(number) or number < 0:
            raise UsageError(f"{name} is {number}.", "Use a number from 0.")
    path = os.environ.get(VARIABLE)
    if not path:
        raise UsageError(
            "outlast progress works only inside a command that runs as a job.", "Start that with: outlast run -- CMD"
        )
    progress = {"done": _plain(done), "total": _plain(total), "message": _readable(message)}
    _replace(path, json.dumps(progress))


def _plain(number: float) -> float:
    return int(number) if number == int(number) else number


def _readable(message: str | None) -> str | None:
    return None if message is None else message[:LONGEST_MESSAGE].encode(errors="backslashreplace").decode()


def _replace(path: str, text: str) -> None:
    """Put `text` in the place of the file; its reader never sees half of it."""
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".progress-")
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", f"Check {VARIABLE}.") from None
