"""Running one job in this process, from `run` to `finish`."""

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from outlast.core.codec import decode, encode
from outlast.core.errors import ClaimLost, JobCancelled, NotImportable, NotStorable, OutlastError
from outlast.crashpoint import crash_point
from outlast.engine.jobside import current
from outlast.engine.jobside.channel import Channel
from outlast.engine.jobside.context import Context
from outlast.engine.jobside.target import load_target, remember_code

LONGEST_ERROR = 2_000
LONGEST_TRACEBACK = 64_000


class CommandFailed(Exception):
    """A shell command ended badly; its text is the error as it stands."""

    def __init__(self, text: str, *, reason: str = "error") -> None:
        super().__init__(text)
        self.failed_reason = reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the function of a job ended: `completed`, `failed`, `stopped` or `parked`, with the fields of `finish`."""

    word: str
    fields: dict[str, Any]


def run_job(channel: Channel, run: dict[str, Any]) -> Outcome:
    """Run the job and return how it ended; nothing is reported yet."""
    pid = os.getpid()
    try:
        outcome = _attempt(channel, run)
    finally:
        if os.getpid() != pid:  # the job forked and this is the child: it must not end the job a second time
            _leave_quietly()
    _flush()
    return outcome


def _attempt(channel: Channel, run: dict[str, Any]) -> Outcome:
    context: Context | None = None
    try:
        try:
            context = Context(channel, run, _all_steps(channel, run))
            with current.running(context):
                function = _load(run["target"])
                remember_code()
                crash_point("job:begun")
                value = _call(function, context, decode(run["args"]))
        finally:
            channel.end()
    except ClaimLost:
        _leave_quietly()
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a job raises is how it ended
        return _ended_by(context, error, run, asked=channel.stop_wanted)
    return _parked(context, run) or _completed(context, value, run)


def _ended_by(context: Context | None, error: BaseException, run: dict[str, Any], *, asked: bool) -> Outcome:
    if isinstance(error, JobCancelled) and asked:  # unasked, it is the result of another job that was cancelled
        return Outcome("stopped", _last_save(context, run))
    if context is not None and (parked := _parked(context, run)):
        return parked
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return Outcome("completed", {"result": "null", **_last_save(context, run)})
    return _failed(context, error, run)


def _parked(context: Context, run: dict[str, Any]) -> Outcome | None:
    return Outcome("parked", {"wait": context.parked, **_last_save(context, run)}) if context.parked else None


def _load(target: str) -> Callable[..., Any]:
    try:
        return load_target(target)
    except SystemExit as error:  # to the import it is an end; to the job, which never began, it must not be one
        raise NotImportable(
            f"{target.rpartition(':')[0]} calls sys.exit({error.code!r:.60}) when it is imported.",
            'Put the call under if __name__ == "__main__":',
        ) from None


def _call(function: Callable[..., Any], context: Context, arguments: dict[str, Any]) -> Any:
    args, kwargs = arguments["args"], arguments["kwargs"]
    value = function(context, *args, **kwargs) if wants_context(function) else function(*args, **kwargs)
    if inspect.iscoroutine(value):
        import asyncio

        return asyncio.run(value)
    return value


@functools.lru_cache(maxsize=1_000)
def wants_context(function: Callable[..., Any]) -> bool:
    """Tell whether the first parameter is the job's context: named `ctx`, or annotated as Context."""
    try:
        first = next(iter(inspect.signature(function).parameters.values()), None)
    except (TypeError, ValueError):
        return False
    if first is None:
        return False
    name = first.annotation if isinstance(first.annotation, str) else getattr(first.annotation, "__name__", "")
    return first.name == "ctx" or name.rpartition(".")[2] == "Context"


def _all_steps(channel: Channel, run: dict[str, Any]) -> dict[str, str]:
    steps = {name: result for name, _, result in run["steps"]}
    more = run["more"]
    while more:
        answer = channel.request({"op": "steps", "after": len(steps)})
        steps.update((name, result) for name, _, result in answer["steps"])
        more = answer["more"]
    return steps


def _completed(context: Context, value: Any, run: dict[str, Any]) -> Outcome:
    try:
        result = encode(value, "the result")
    except Exception as error:  # noqa: BLE001 - the methods of a value may raise anything, and the work is done
        warning = f"The result could not be stored: {_reason(error)}"
        _say(f"{warning}\n", run)
        result = encode({"repr": _clean(_repr(value)[:LONGEST_ERROR]), "warning": warning}, "the result")
    return Outcome("completed", {"result": result, **_last_save(context, run)})


def _failed(context: Context | None, error: BaseException, run: dict[str, Any]) -> Outcome:
    fields = {
        "error": describe(error)[:LONGEST_ERROR],
        "traceback": "" if isinstance(error, CommandFailed) else _clean(_traceback(error))[-LONGEST_TRACEBACK:],
        "retryable": _is_retryable(error, run),
        "reason": error.failed_reason if isinstance(error, OutlastError | CommandFailed) else "error",
    }
    if not isinstance(error, CommandFailed):
        _say(str(fields["traceback"]), run)
    return Outcome("failed", {**fields, **_last_save(context, run)})


def describe(error: BaseException) -> str:
    """Return `ValueError: text`, even if the exception cannot tell its text."""
    try:
        text = str(error)
    except BaseException as second:  # noqa: BLE001 - a broken __str__ must not end the process
        text = f"<its __str__ raised {type(second).__name__}>"
    if isinstance(error, CommandFailed):
        return _clean(text)
    name = type(error).__qualname__
    return _clean(f"{name}: {text}" if text else name)


def _is_retryable(error: BaseException, run: dict[str, Any]) -> bool:
    """Judge by the class names that `retry_on` named at submit, along the exception's bases."""
    names = set(run["retry_on"])
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return bool(names & kinds)


def _last_save(context: Context | None, run: dict[str, Any]) -> dict[str, Any]:
    if context is None:
        return {}
    try:
        return {"save": context.take_unsaved()}
    except Exception as error:  # noqa: BLE001 - see _completed
        _say(f"The last checkpoint could not be saved: {_reason(error)}\n", run)
        return {}


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, NotStorable) else describe(error)[:LONGEST_ERROR]


def _say(text: str, run: dict[str, Any]) -> None:
    """Add a text to the job's log, by its name: descriptor 2 may be a file of the job by now."""
    _flush()
    with suppress(OSError), open(run["log"], "a", encoding="utf-8") as log:
        log.write(text)


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error, limit=60))
    except BaseException as second:  # noqa: BLE001 - see describe
        return f"<no traceback: {type(second).__name__}>"


def _repr(value: object) -> str:
    try:
        return repr(value)
    except BaseException as error:  # noqa: BLE001 - see describe
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # the job closed or replaced it
            continue


def _leave_quietly() -> None:
    _flush()
    os._exit(0)
