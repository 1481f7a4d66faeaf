"""Finding the function of a run again in another process: `module:function`, or `/path/file.py:function`."""

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from outlast.core.errors import NotImportable, UsageError

_MAIN_NAME = "__outlast_main__"
"""A script's own file is imported under this name, so that its `if __name__ == "__main__":` does not run."""


def target_of(function: "str | Callable[..., Any]") -> str:
    """Return the target of a function, or of what a person typed. Raise UsageError, NotImportable."""
    if not isinstance(function, str):
        return _target_of_function(getattr(function, "fn", function))
    place, colon, name = function.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(f"{function!r:.80} names no function.", "Write module:function or path/file.py:function.")
    if place.endswith(".py") or os.sep in place:
        if not os.path.isfile(place):
            raise UsageError(f"There is no file {place!r:.120}.", "Check the path.")
        return f"{os.path.abspath(place)}:{name}"
    return function


def _target_of_function(function: Callable[..., Any]) -> str:
    name, module = getattr(function, "__qualname__", ""), getattr(function, "__module__", None)
    if not inspect.isfunction(function) or "<" in name or not module:
        raise NotImportable(f"{name or function!r:.80} cannot be found by another process.", "Use a module's function.")
    if module not in ("__main__", _MAIN_NAME):
        return f"{module}:{name}"
    spec = getattr(sys.modules[module], "__spec__", None)
    if spec is not None and spec.name not in ("__main__", _MAIN_NAME):
        return f"{spec.name}:{name}"
    path = function.__globals__.get("__file__")
    if not isinstance(path, str) or not os.path.isfile(path):
        raise NotImportable(f"{name} lives in no file (a notebook, stdin or -c).", "Move it into a module.")
    return f"{os.path.abspath(path)}:{name}"


def load(target: str) -> Callable[..., Any]:
    """Import a target and return its function. Raise NotImportable, or whatever the import raises."""
    place, _, name = target.rpartition(":")
    found: Any = _module(place)
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise NotImportable(f"{place} has no {name!r:.80}.", "Check the name.")
    function = getattr(found, "fn", found)
    if not callable(function):
        raise NotImportable(f"{name} of {place} is no function.", "Name a function (account, activity).")
    return function  # type: ignore[no-any-return]


def _module(place: str) -> ModuleType:
    if not place.startswith("/"):
        return importlib.import_module(place)
    sys.path.insert(0, os.path.dirname(place))
    spec = importlib.util.spec_from_file_location(_MAIN_NAME, place)
    if spec is None or spec.loader is None:
        raise NotImportable(f"{place} is no Python file.", "Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MAIN_NAME] = module
    spec.loader.exec_module(module)
    return module
