"""Running one job in this process, from `run` to `finish`."""

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outlast.core.codec import decode, encode
from outlast.core.errors import ClaimLost, JobCancelled, NotStorable, OutlastError
from outlast.crashpoint import crash_point
from outlast.engine.jobside import current
from outlast.engine.jobside.channel import Channel
from outlast.engine.jobside.context import Context
from outlast.engine.jobside.target import load_target, remember_code

LONGEST_ERROR = 2_000
LONGEST_TRACEBACK = 64_000


class CommandFailed(Exception):
    """A shell command ended badly; its text is the error as it stands."""


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
                function = load_target(run["target"])
                remember_code()
                crash_point("job:begun")
                value = _call(function, context, decode(run["args"]))
        finally:
            channel.end()
    except ClaimLost:
        _leave_quietly()
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a job raises is how it ended
        return _ended_by(context, error, run)
    return _parked(context) or _completed(context, value)


def _ended_by(context: Context | None, error: BaseException, run: dict[str, Any]) -> Outcome:
    if isinstance(error, JobCancelled):
        return Outcome("stopped", _last_save(context))
    if context is not None and (parked := _parked(context)):
        return parked
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return Outcome("completed", {"result": "null", **_last_save(context)})
    return _failed(context, error, run)


def _parked(context: Context) -> Outcome | None:
    return Outcome("parked", {"wait": context.parked, **_last_save(context)}) if context.parked else None


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


def _completed(context: Context, value: Any) -> Outcome:
    try:
        result = encode(value, "the result")
    except NotStorable as error:
        context.log.warning("The result could not be stored: %s", error)
        shown = {"repr": _clean(_repr(value))[:LONGEST_ERROR], "warning": f"The result could not be stored: {error}"}
        result = encode(shown, "the result")
    return Outcome("completed", {"result": result, **_last_save(context)})


def _failed(context: Context | None, error: BaseException, run: dict[str, Any]) -> Outcome:
    fields = {
        "error": describe(error)[:LONGEST_ERROR],
        "traceback": _clean(_traceback(error))[-LONGEST_TRACEBACK:],
        "retryable": _is_retryable(error, run),
    }
    if not isinstance(error, CommandFailed):
        sys.stderr.write(str(fields["traceback"]))
    return Outcome("failed", {**fields, **_last_save(context)})


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


def _last_save(context: Context | None) -> dict[str, Any]:
    if context is None:
        return {}
    try:
        return {"save": context.take_unsaved()}
    except OutlastError as error:
        context.log.warning("The last checkpoint could not be saved: %s", error)
        return {}


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
