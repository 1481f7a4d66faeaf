"""The jobs of an app, which is a module or a file. A process of its own imports it: its code comes near no store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from outlast.core.errors import OutlastError, UsageError
from outlast.engine.jobside import target as jobside
from outlast.functions import Function
from outlast.targets import importing, place_of

IMPORT_SECONDS = 120.0
_BOOT = (
    "import importlib,json,sys; sys.path[:] = json.loads(sys.argv[1]);"
    " importlib.import_module(sys.argv[2]).tell(sys.argv[3])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppJob:
    """A job that an app offers: its kind, the target under which it is found, and the first line of its docstring."""

    kind: str
    target: str
    summary: str


def jobs_of(app: str) -> list[AppJob]:
    """Return the jobs of `package.module` or `path/file.py`, by kind.

    Raise UsageError if it cannot be imported, naming the line that failed, or offers none.
    """
    return [AppJob(**job) for job in told_of(app, __name__)["jobs"]]


def told_of(app: str, teller: str) -> dict[str, Any]:
    """Return what the function `tell` of the module `teller` says of an app, in a process of its own; see `jobs_of`."""
    path = json.dumps([entry or os.getcwd() for entry in sys.path])
    command = [sys.executable, "-P", "-c", _BOOT, path, teller, app]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=IMPORT_SECONDS)
        told: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{app} was not imported after {IMPORT_SECONDS:.0f} s.", "Move its work into functions."
        ) from None
    except ValueError:
        raise UsageError(f"The import of {app} ended its process.", "Import it by hand to see why.") from None
    if "error" in told:
        raise UsageError(*told["error"])
    if not told["jobs"]:
        raise UsageError(f"{app} offers no job.", "Decorate its functions with @job.")
    return told


def tell(app: str) -> None:
    """In the process of its own: print the jobs of an app, or the error that its import met, as JSON."""
    print_told(lambda: {"jobs": [_told(name, job) for name, job in found_in(app)]})


def print_told(tell_of: Callable[[], dict[str, object]]) -> None:
    """Print what is told of an app, or the error that its import met; what the import itself prints goes to stderr."""
    output = sys.stdout
    with redirect_stdout(sys.stderr):
        try:
            told = tell_of()
        except OutlastError as error:
            told = {"error": (error.message, error.fix)}
    print(json.dumps(told), file=output)


def found_in(app: str) -> list[tuple[str, Function[..., object]]]:
    """Import an app and return its jobs, by kind, each with its target. Raise UsageError."""
    place = place_of(app)
    with importing(place):
        module = jobside.load_module(place)
    found = {job.kind: (f"{place}:{name}", job) for name, job in vars(module).items() if isinstance(job, Function)}
    return [found[kind] for kind in sorted(found)]


def _told(target: str, job: Function[..., object]) -> dict[str, str]:
    return {"kind": job.kind, "target": target, "summary": summary_of(job)}


def summary_of(job: Function[..., object]) -> str:
    """Return the first line of a job's docstring."""
    lines = (job.__doc__ or "").strip().splitlines()
    return lines[0] if lines else ""
