"""The jobs of an app with the JSON schemas of their arguments; runs in a process of its own, see `outlast.apps`."""

import inspect
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError

from outlast.apps import found_in, print_told, summary_of
from outlast.core.codec import encode
from outlast.core.errors import NotStorable
from outlast.functions import Function

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def tell(app: str) -> None:
    """Print the jobs of an app, and the path on which its code is found, as JSON."""
    print_told(lambda: {"jobs": [_told(target, job) for target, job in found_in(app)], "path": sys.path})


def _told(target: str, job: Function[..., object]) -> dict[str, object]:
    return {
        "kind": job.kind,
        "target": target,
        "summary": summary_of(job),
        "policy": job.policy.as_object(),
        "queue": job.queue,
        "priority": job.priority,
        "schema": schema_of(job.fn),
    }


def schema_of(fn: Callable[..., object]) -> dict[str, Any] | None:
    """Return the JSON schema of a function's arguments by name, its context left out; None if it needs positions.

    What JSON schema cannot say of an annotation is left open: the job itself refuses what does not fit.
    """
    parameters = list(inspect.signature(fn).parameters.values())
    hints = _hints(fn)
    if parameters and _is_context(parameters[0], hints):
        parameters = parameters[1:]
    if any(each.kind is inspect.Parameter.POSITIONAL_ONLY and each.default is each.empty for each in parameters):
        return None
    named = [each for each in parameters if each.kind in _BY_NAME]
    is_open = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    fields: Any = {f"p{n}": _field(each, hints) for n, each in enumerate(named)}
    model = create_model("Arguments", __config__=ConfigDict(extra="allow" if is_open else "forbid"), **fields)
    schema = model.model_json_schema()
    schema.pop("title", None)
    return {"type": "object", "properties": {}, **schema}


def _field(parameter: inspect.Parameter, hints: dict[str, Any]) -> tuple[Any, Any]:
    kind = hints.get(parameter.name, Any)
    try:
        TypeAdapter(kind).json_schema()
    except (PydanticUserError, TypeError, ValueError):
        kind = Any
    if parameter.default is parameter.empty:
        return kind, Field(alias=parameter.name)
    try:
        encode(parameter.default, parameter.name)
    except NotStorable:
        return kind, Field(alias=parameter.name, default_factory=lambda: parameter.default)
    return kind, Field(alias=parameter.name, default=parameter.default)


def _hints(fn: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(fn)
    except (NameError, TypeError, AttributeError, SyntaxError):  # names that only a type checker knows
        return {}


def _is_context(first: inspect.Parameter, hints: dict[str, Any]) -> bool:
    written = first.annotation if isinstance(first.annotation, str) else ""
    name = getattr(hints.get(first.name, first.annotation), "__name__", written)
    return first.name == "ctx" or str(name).rpartition(".")[2] == "Context"
