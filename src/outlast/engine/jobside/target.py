"""Finding a job's function again in another process."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from outlast.core.errors import NotImportable

MAIN_NAME = "__outlast_main__"
"""The name under which a script's own file is imported, so that its `if __name__ == "__main__":` does not run."""

importing = False
"""True while a target's module is being imported; submitting is refused then."""

remembers = True
"""False in a process that runs one job only: what becomes of its code does not matter to it any more."""

_LIBRARIES = tuple({os.path.join(prefix, "lib") + os.sep for prefix in (sys.prefix, sys.base_prefix, "/usr/local")})
_files: dict[str, ModuleType] = {}
_stamps: dict[str, tuple[int, int]] = {}
_seen: set[str] = set()


def load_target(target: str) -> Callable[..., Any]:
    """Return the function of `module:function` or `/file.py:function`. Raise NotImportable in plain words."""
    place, _, name = target.rpartition(":")
    try:
        found = find_target(place, name)
    except ModuleNotFoundError as error:
        raise NotImportable(
            f"{place} cannot be imported: {error}.", "Is it still there, and on the path it was submitted with?"
        ) from None
    function: Callable[..., Any] = found.fn if hasattr(found, "__outlast_job__") else found
    return function


def find_target(place: str, name: str) -> Any:
    """Return what is called `name` in a module or `/file.py`, as it stands there; whatever the import raises is raised.

    Raise NotImportable if the file or the name is not there.
    """
    found: Any = load_module(place)
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise NotImportable(f"{place} has no {name!r} any more.", "Put it back, then retry the job.")
    return found


def load_module(place: str) -> ModuleType:
    """Return a module, or what stands in `/file.py`, imported; whatever the import raises is raised."""
    global importing
    importing = True
    try:
        return _load_file(place) if place.startswith("/") else importlib.import_module(place)
    finally:
        importing = False


def _load_file(path: str) -> ModuleType:
    if path in _files:
        sys.modules[MAIN_NAME] = _files[path]
        return _files[path]
    if not os.path.isfile(path):
        raise NotImportable(f"{path} is not there any more.", "Put it back, then retry the job.")
    spec = importlib.util.spec_from_file_location(MAIN_NAME, path)
    if spec is None or spec.loader is None:
        raise NotImportable(f"{path} is no Python file.", "Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MAIN_NAME] = module
    spec.loader.exec_module(module)
    _files[path] = module
    return module


def code_is_stale() -> bool:
    """Tell whether a file of the job's own modules changed since it was imported here."""
    return any(_stamp(path) != stamp for path, stamp in _stamps.items())


def own_code_is_loaded() -> bool:
    """Tell whether any module here is the job's own, and not of a library."""
    remember_code()
    return bool(_stamps)


def remember_code() -> None:
    """Note the files of the modules imported since the last call."""
    if not remembers:
        return
    for path in _files:
        _stamps.setdefault(path, _stamp(path))
    for name in sys.modules.keys() - _seen:
        _seen.add(name)
        file = getattr(sys.modules[name], "__file__", None)
        if not isinstance(file, str) or name.partition(".")[0] == "outlast":
            continue
        # Debian keeps the start-up hook of its Python in /etc, and a link to it among the libraries.
        place = file if name == "sitecustomize" else os.path.realpath(file)
        if not place.startswith(_LIBRARIES):
            _stamps[file] = _stamp(file)


def _stamp(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
