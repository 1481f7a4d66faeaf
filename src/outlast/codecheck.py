"""Whether a job's code is still where it was, told from files alone: looking must not run anybody's code.

A fault is only named where files prove it; whatever can only be known by running the code is taken for sound.
"""

import ast
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from outlast.core.codec import decode
from outlast.core.errors import UsageError
from outlast.core.job import Spec

COMMAND_KIND = "command"
LARGEST_SOURCE = 2_000_000
_OWN = "outlast"
"""Our own jobs (commands, proofs of work) are found by every process of ours."""


def code_fault(spec: Spec, args: str) -> str:
    """Return why a process could not run this job, as a sentence; empty if nothing speaks against it.

    `args` are its stored arguments, which name the program of a shell command.
    """
    home = spec.home
    if not os.access(home.interpreter, os.X_OK):
        return f"Its Python, {home.interpreter}, is not there."
    if not os.path.isdir(home.cwd):
        return f"Its directory, {home.cwd}, is not there."
    if spec.kind == COMMAND_KIND:
        return _program_fault(args)
    place, _, name = spec.target.rpartition(":")
    source = place if place.startswith("/") else _source_of(place, home.path, home.cwd)
    if source is None:
        return ""
    if not os.path.isfile(source):
        return f"Its code, {source}, is not there."
    return _name_fault(source, name.partition(".")[0], same_python=home.interpreter == sys.executable)


def _program_fault(args: str) -> str:
    try:
        program = decode(args)["kwargs"]["argv"][0]
    except (UsageError, LookupError, TypeError):
        return ""
    return "" if os.access(program, os.X_OK) else f"Its program, {program}, is not there."


def _source_of(module: str, path: Sequence[str], cwd: str) -> str | None:
    """Return the source file of a module; None if that can be known only by importing something."""
    top, *rest = module.split(".")
    entries = [os.path.join(cwd, entry) for entry in path]
    if top == _OWN or _has_hooks(entries):
        return None
    found = PathFinder.find_spec(top, entries)
    if found is None:
        return os.path.join(entries[0], f"{top}.py") if entries else None
    for name in rest:
        if found is None or found.submodule_search_locations is None:
            return None
        # By its last name alone: a package without __init__.py would be looked for below a parent that is not imported.
        found = PathFinder.find_spec(name, list(found.submodule_search_locations))
    return _file_of(found)


def _file_of(found: ModuleSpec | None) -> str | None:
    origin = None if found is None else found.origin
    return origin if origin is not None and origin.endswith(".py") else None


def _has_hooks(entries: Sequence[str]) -> bool:
    """Tell whether modules may come from elsewhere than the path says: editable installations hook into imports."""
    return any(True for entry in entries for _ in Path(entry).glob("__editable__*"))


def _name_fault(source: str, name: str, *, same_python: bool) -> str:
    try:
        with open(source, "rb") as file, warnings.catch_warnings(action="ignore"):
            tree = ast.parse(file.read(LARGEST_SOURCE))
    except SyntaxError as error:
        # Another Python may well read it.
        return f"{source} cannot be read: {error.msg} in line {error.lineno}." if same_python else ""
    except (OSError, ValueError, RecursionError, MemoryError):
        return ""
    module = _Module()
    module.visit(tree)
    return "" if module.may_have(name) else f"{source} has no {name} any more."


class _Module(ast.NodeVisitor):
    """What the statements of a module define, those inside its functions and classes left out."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._is_certain = True

    def may_have(self, name: str) -> bool:
        """Tell whether importing the module may define `name`."""
        return name in self._names or "__getattr__" in self._names or not self._is_certain

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self._names.add(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815
    visit_ClassDef = visit_FunctionDef  # noqa: N815

    def visit_alias(self, node: ast.alias) -> None:
        self._is_certain = self._is_certain and node.name != "*"
        self._names.add((node.asname or node.name).partition(".")[0])

    def visit_Name(self, node: ast.Name) -> None:
        # A module that calls one of these may define anything.
        self._is_certain = self._is_certain and node.id not in ("globals", "vars", "setattr", "exec", "eval")
        if isinstance(node.ctx, ast.Store):
            self._names.add(node.id)
