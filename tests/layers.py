"""Who may import whom. `layer_faults` reads every import of a source tree and tells what the table forbids.

Imports inside functions, under TYPE_CHECKING, and `import_module("…")` of a literal count like any other.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PUBLIC = ("outlast", "outlast.client", "outlast.decorator", "outlast.jobstate")
"""What users import. `outlast` in a row means that one module; every other name includes what lies below it."""

BASE = ("outlast.core", "outlast.crashpoint")
LEAVES = ("outlast.crashpoint", "outlast.durable", "outlast.core.errors", "outlast.core.filenames")
"""The standard library and each other only."""
BELOW_CLIENTS = (
    *BASE,
    "outlast.durable",
    "outlast.storage",
    "outlast.engine",
    "outlast.jobstate",
    "outlast.service",
    "outlast.settings",
    "outlast.backends",
)
FOR_JOBSIDE = (
    "outlast.engine.jobside",
    "outlast.engine.eager",
    "outlast.engine.exits",
    "outlast.engine.launch",
    "outlast.engine.oom",
    "outlast.engine.sockets",
)
FOR_CLIENTS = (
    *BASE,
    *PUBLIC,
    "outlast.service",
    "outlast.acts",
    "outlast.lookout",
    "outlast.joblog",
    "outlast.unit",
    "outlast.unitkeeper",
    "outlast.settings",
    "outlast.functions",
    "outlast.scheduling",
    "outlast.targets",
    "outlast.app",
    "outlast.apps",
    "outlast.upkeep",
    "outlast.pow",
    "outlast.demo",
    "outlast.crashtest",
    "outlast.clients",
)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # Leaves: the standard library only.
    "outlast.crashpoint": (),
    "outlast.durable": ("outlast.crashpoint",),
    "outlast.core.errors": (),
    "outlast.core.filenames": (),
    # Job state is used alone: it needs leaves, and what reads the settings, which needs no more than they do.
    "outlast.jobstate": ("outlast.jobstate", *LEAVES, "outlast.settings"),
    # Values and rules.
    "outlast.core": ("outlast.core", "cronsim", "jsonschema", "referencing"),
    # Side by side: neither knows the other.
    "outlast.storage": (*BASE, "outlast.durable", "outlast.storage", "apsw", "psycopg", "psycopg_pool"),
    "outlast.engine": (*BASE, "outlast.engine", "psutil"),
    # What runs beside a job's own code: as little as can be, and the way to a supervisor.
    "outlast.engine.jobside": (*BASE, *FOR_JOBSIDE),
    # Nobody imports it: a fork server loads beforehand what the modules of jobs begin with.
    "outlast.engine.jobside.forkserver": (*BASE, *FOR_JOBSIDE, "outlast.decorator"),
    # The use cases, and the one place where storage and engine meet.
    "outlast.service": (*BASE, "outlast.acts", "outlast.listing", "outlast.lookout", "outlast.missing"),
    "outlast.listing": BASE,
    "outlast.missing": BASE,
    "outlast.acts": BASE,
    "outlast.lookout": (*BASE, "outlast.codecheck"),
    "outlast.codecheck": BASE,
    "outlast.settings": BASE,
    "outlast.joblog": BASE,
    "outlast.unit": (*BASE, "outlast.settings"),
    "outlast.unitkeeper": (*BASE, "outlast.unit", "outlast.durable"),
    "outlast.app": (*BELOW_CLIENTS, "outlast.scheduling"),
    # The second place: what looks at a data directory as a whole, and mends it.
    "outlast.upkeep": (
        *BELOW_CLIENTS,
        "outlast",
        "outlast.app",
        "outlast.codecheck",
        "outlast.upkeep",
        "apsw",
        "psutil",
    ),
    # The public API.
    "outlast": (*PUBLIC, "outlast.core.errors", "outlast.engine.jobside.context"),
    "outlast.functions": (*BASE, "outlast.engine.jobside", "outlast.settings"),
    "outlast.backends": (*BASE, "outlast.engine.jobside", "outlast.service", "outlast.joblog"),
    "outlast.scheduling": (*BASE, "outlast.functions", "outlast.service"),
    "outlast.client": (
        *BASE,
        "outlast.engine.jobside",
        "outlast.functions",
        "outlast.scheduling",
        "outlast.backends",
        "outlast.app",
    ),
    "outlast.decorator": (*BASE, "outlast.functions", "outlast.client"),
    "outlast.targets": (*BASE, "outlast.engine.jobside", "outlast.functions"),
    "outlast.apps": (*BASE, "outlast.engine.jobside", "outlast.functions", "outlast.targets"),
    # Above it.
    "outlast.pow": (*PUBLIC, "outlast.pow", "outlast.crashpoint", "outlast.durable", "llvmlite", "psycopg"),
    # What kills on purpose needs to know exactly which processes those are.
    "outlast.arena": (*BASE, "outlast.engine.family", "outlast.engine.identity"),
    "outlast.demo": (
        *BASE,
        *PUBLIC,
        "outlast.app",
        "outlast.backends",
        "outlast.client",
        "outlast.settings",
        "outlast.pow",
        "outlast.demo",
        "outlast.arena",
        "outlast.engine.identity",
    ),
    "outlast.crashtest": (
        *BASE,
        *PUBLIC,
        "outlast.app",
        "outlast.settings",
        "outlast.upkeep",
        "outlast.crashtest",
        "outlast.arena",
        "outlast.engine.identity",
    ),
    "outlast.clients": FOR_CLIENTS,
    "outlast.clients.cli": (*FOR_CLIENTS, "outlast.durable", "click", "rich"),
    "outlast.clients.mcp": (
        *FOR_CLIENTS,
        *("anyio", "jsonschema", "mcp", "mcp_types", "pydantic", "referencing", "starlette", "uvicorn"),
    ),
    "outlast.clients.web": (*FOR_CLIENTS, "jinja2", "sse_starlette", "starlette", "uvicorn"),
    "outlast.__main__": ("outlast.clients.cli",),
}
"""The longest name that fits a module is its row. The standard library is allowed everywhere, but see NEVER."""

NEVER: dict[str, tuple[str, ...]] = {
    # The standard library's SQLite corrupts WAL stores (decision 0001); nothing is pickled.
    "outlast": ("sqlite3", "pickle", "shelve", "marshal"),
    # No input or output, and no clock.
    "outlast.core": ("os", "io", "time", "socket", "subprocess", "random", "secrets", "threading", "asyncio"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import: the module that stands in the source, what it imports, and where."""

    module: str
    target: str
    place: str


def layer_faults(root: Path) -> list[str]:
    """Return a line for each import below `root`/src that the tables forbid, and for an import cycle."""
    imports = list(_imports(root))
    faults = [fault for found in imports for fault in _judge(found)]
    return faults + _cycle_faults(imports, set(_modules(root)))


def _judge(found: Import) -> Iterator[str]:
    row = _row(found.module)
    if row is None:
        yield f"{found.place}: {found.module} has no row in MAY_IMPORT (tests/layers.py)"
        return
    top = found.target.partition(".")[0]
    if top not in sys.stdlib_module_names and not any(_covers(entry, found.target) for entry in MAY_IMPORT[row]):
        yield f"{found.place}: {found.module} must not import {found.target}"
    for layer, forbidden in NEVER.items():
        if top in forbidden and (found.module == layer or found.module.startswith(layer + ".")):
            yield f"{found.place}: {found.module} must not import {top}"


def _row(module: str) -> str | None:
    rows = [row for row in MAY_IMPORT if _covers(row, module)]
    return max(rows, key=len, default=None)


def _covers(entry: str, module: str) -> bool:
    return module == entry or (entry != "outlast" and module.startswith(entry + "."))


def _cycle_faults(imports: list[Import], modules: set[str]) -> list[str]:
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for found in imports:
        if found.target in modules:
            graph[found.module].add(found.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"import cycle: {' → '.join(reversed(error.args[1]))}"]
    return []


def _modules(root: Path) -> dict[str, Path]:
    source = root / "src"
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(root: Path) -> Iterator[Import]:
    modules = _modules(root)
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}"
            for target in _targets(node, module, path, modules):
                yield Import(module=module, target=target, place=place)


def _targets(node: ast.AST, module: str, path: Path, modules: dict[str, Path]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _base(node, module, is_package=path.name == "__init__.py")
        names = [f"{base}.{alias.name}" for alias in node.names]
        return [name if name in modules else base for name in names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__"):
            return [str(node.args[0].value)]
    return []


def _base(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """Return the absolute name that `from … import` starts from."""
    if not node.level:
        return node.module or ""
    package = module.split(".") if is_package else module.split(".")[:-1]
    above = package[: len(package) - (node.level - 1)]
    return ".".join([*above, node.module] if node.module else above)
