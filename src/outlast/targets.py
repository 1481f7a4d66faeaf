"""Jobs as a person names them on a command line: `module:function`, `path/file.py:function`, or a shell command."""

import os
import shutil
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from outlast.core.errors import NotImportable, OutlastError, UsageError
from outlast.core.job import Home, Spec
from outlast.engine.jobside import target as jobside
from outlast.engine.jobside.command import TARGET as COMMAND_TARGET
from outlast.functions import Function, as_function, make_policy, with_policy

COMMAND_KIND = "command"
_LIBRARIES = (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    *(os.path.join(prefix, "lib") + os.sep for prefix in {sys.prefix, sys.base_prefix}),
)


def find_function(text: str) -> tuple[Function[..., Any], str]:
    """Import what `text` names and return it with its target. Raise UsageError telling what a failing import met.

    The directory of the file, or for a module the current one, becomes the first of `sys.path`, as for a script.
    What the import prints goes to stderr.
    """
    place, _, name = text.rpartition(":")
    if not name or not (_is_file(place) or _is_module(place)):
        raise UsageError(
            f"{text!r:.120} is no target.", "Write module:function or path/file.py:function, e.g. jobs.py:mirror."
        )
    place = place_of(place)
    with importing(place):
        found = jobside.find_target(place, name)
    if not callable(found):
        raise UsageError(f"{name} in {place} is no function ({type(found).__name__}).", "Name a function.")
    function: Function[..., Any] = as_function(found)
    return function, f"{place}:{name}" if _is_file(place) else function.spec(_NOWHERE).target


def place_of(text: str) -> str:
    """Return the module, or the whole path of the file, that `text` names; the next import finds it.

    Raise UsageError if it is neither.
    """
    if not (_is_file(text) or _is_module(text)):
        raise UsageError(f"{text!r:.120} is no module or file.", "Write package.module or path/file.py.")
    place = os.path.abspath(os.path.expanduser(text)) if _is_file(text) else text
    if _is_file(text) and not os.path.isfile(place):
        raise UsageError(f"There is no file {place!r:.300}.", "Check the path; it is relative to this directory.")
    _put_first(os.path.dirname(place) if _is_file(text) else os.getcwd())
    return place


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place


def _is_module(place: str) -> bool:
    return all(part.isidentifier() for part in place.split("."))


def function_spec(function: Function[..., Any], target: str, home: Home, rules: Mapping[str, Any]) -> Spec:
    """Return what is stored with a job of `function`; `rules` are the fields of its policy that are replaced."""
    function = with_policy(function, **rules)
    return Spec(kind=function.kind, target=target, policy=function.policy, home=home)


def command_spec(home: Home, rules: Mapping[str, Any]) -> Spec:
    """Return what is stored with a shell command; an interrupted one fails, unless `rules` say otherwise.

    It gets the PATH of whoever submits it, with `outlast` on it: the supervisor may have been started elsewhere.
    """
    policy = make_policy(on_interrupt="fail")._replace(**rules)
    home = home._replace(env={**home.env, "PATH": _path_with_outlast()})
    return Spec(kind=COMMAND_KIND, target=COMMAND_TARGET, policy=policy, home=home)


def _path_with_outlast() -> str:
    path = os.environ.get("PATH", os.defpath)
    return path if shutil.which("outlast") else f"{path}{os.pathsep}{os.path.dirname(sys.executable)}"


def command_call(argv: Sequence[str], directory: str) -> dict[str, Any]:
    """Return the arguments of a job that runs a shell command; `directory` is where its files for the job lie.

    Raise UsageError if there is no such program.
    """
    return {"args": [], "kwargs": {"argv": find_command(argv), "directory": directory}}


def find_command(argv: Sequence[str]) -> list[str]:
    """Return `argv` with the program's whole path, so that another PATH runs the same one. Raise UsageError."""
    found = shutil.which(argv[0]) if argv[0] else None
    if found is None:
        raise UsageError(f"There is no program {argv[0]!r:.300} to run.", "Check the name, the PATH, or use ./NAME.")
    return [os.path.abspath(found), *argv[1:]]


_NOWHERE = Home(interpreter="", path=(), cwd="")


def _put_first(directory: str) -> None:
    # Python puts the directory of the program `outlast` first; for the job's code that is as good as any other.
    own = os.path.dirname(os.path.abspath(sys.argv[0])) if sys.argv and sys.argv[0] else ""
    if sys.path and not sys.flags.safe_path and sys.path[0] in ("", own):
        sys.path[0] = directory
    else:
        sys.path.insert(0, directory)


@contextmanager
def importing(place: str) -> Iterator[None]:
    """Turn whatever an import raises into one UsageError."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except NotImportable as error:
        raise UsageError(error.message.replace(" any more.", "."), "Check the name.") from None
    except (OutlastError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - a module may raise anything, SystemExit included
        if isinstance(error, ModuleNotFoundError) and error.name and f"{place}.".startswith(f"{error.name}."):
            raise UsageError(
                f"There is no module {error.name!r:.120}.",
                "Run it where it lies, or name its file: path/file.py:function.",
            ) from None
        where = _origin(error) or place
        raise UsageError(f"{where}: {_told(error)}", "It cannot be imported like this; correct it first.") from None


def _origin(error: BaseException) -> str:
    """Return `file:line` of the user's line that failed: the innermost one outside the libraries."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""


def _told(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it calls sys.exit() when it is imported."
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"[:500]
