"""Imports point down, and the house rules hold. Each rule first has to catch a planted fault."""

from pathlib import Path

import pytest

from tests.house import RULES
from tests.layers import layer_faults

ROOT = Path(__file__).resolve().parent.parent


def plant(root: Path, files: dict[str, str]) -> Path:
    """Write a small project below `root`."""
    for name, text in {".gitignore": "uv.lock\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


FORBIDDEN_IMPORTS = [
    ("outlast/core/job.py", "import apsw", "outlast.core.job must not import apsw"),
    ("outlast/core/job.py", "import outlast.storage.rows", "must not import outlast.storage.rows"),
    ("outlast/core/job.py", "from outlast import crashpoint", "must not import outlast.crashpoint"),
    ("outlast/core/job.py", "from outlast import submit", "must not import outlast"),
    ("outlast/core/job.py", "import os", "must not import os"),
    ("outlast/core/job.py", "from time import monotonic", "must not import time"),
    ("outlast/crashpoint.py", "from outlast.core import job", "must not import outlast.core"),
    ("outlast/storage/rows.py", "from outlast.engine import loop", "must not import outlast.engine"),
    ("outlast/storage/rows.py", "from ..service import submit", "must not import outlast.service"),
    ("outlast/storage/__init__.py", "from ..service import submit", "must not import outlast.service"),
    ("outlast/storage/rows.py", "import sqlite3", "must not import sqlite3"),
    ("outlast/storage/rows.py", "import pickle", "must not import pickle"),
    ("outlast/engine/loop.py", "import outlast.storage", "must not import outlast.storage"),
    ("outlast/engine/loop.py", "import outlast.service", "must not import outlast.service"),
    ("outlast/engine/loop.py", "import apsw", "must not import apsw"),
    ("outlast/engine/jobside/context.py", "from outlast.engine import loop", "must not import outlast.engine"),
    ("outlast/jobstate/journal.py", "from outlast.core import codec", "must not import outlast.core"),
    ("outlast/jobstate/journal.py", "import click", "must not import click"),
    ("outlast/service.py", "from outlast.storage.rows import Rows", "must not import outlast.storage.rows"),
    ("outlast/settings.py", "import outlast.service", "must not import outlast.service"),
    ("outlast/app.py", "from outlast.clients import cli", "must not import outlast.clients"),
    ("outlast/clients/cli/main.py", "from outlast.engine import loop", "must not import outlast.engine"),
    ("outlast/clients/web/pages.py", "import outlast.storage.rows", "must not import outlast.storage.rows"),
    ("outlast/clients/web/pages.py", "import click", "must not import click"),
    ("outlast/clients/cli/main.py", "import mcp", "must not import mcp"),
    ("outlast/clients/mcp/tools.py", "from rich.table import Table", "must not import rich.table"),
    ("outlast/pow/searching/search.py", "from outlast.core import codec", "must not import outlast.core"),
    ("outlast/pow/searching/search.py", "from outlast.service import submit", "must not import outlast.service"),
    ("outlast/novelty.py", "import json", "outlast.novelty has no row"),
]
ALLOWED_IMPORTS = [
    ("outlast/core/job.py", "from outlast.core.status import Status"),
    ("outlast/storage/rows.py", "import apsw, outlast.crashpoint"),
    ("outlast/engine/jobside/context.py", "from outlast.engine.sockets import connect"),
    ("outlast/app.py", "from outlast import engine, service, storage"),
    ("outlast/clients/mcp/tools.py", "from mcp.server import Server"),
    ("outlast/clients/cli/main.py", "import click, rich.table, outlast.service"),
    ("outlast/pow/searching/search.py", "from outlast import Context, job"),
]
TREE = {
    "src/outlast/__init__.py": "",
    "src/outlast/crashpoint.py": "",
    "src/outlast/service.py": "",
    "src/outlast/core/__init__.py": "",
    "src/outlast/core/status.py": "",
    "src/outlast/storage/__init__.py": "",
    "src/outlast/engine/__init__.py": "",
    "src/outlast/engine/loop.py": "",
}


@pytest.mark.parametrize(("module", "line", "words"), FORBIDDEN_IMPORTS)
def test_a_forbidden_import_is_named(tmp_path: Path, module: str, line: str, words: str) -> None:
    root = plant(tmp_path, {**TREE, f"src/{module}": line})

    [fault] = layer_faults(root)

    assert fault.startswith(f"src/{module}:1: ")
    assert words in fault


@pytest.mark.parametrize(("module", "line"), ALLOWED_IMPORTS)
def test_an_allowed_import_passes(tmp_path: Path, module: str, line: str) -> None:
    root = plant(tmp_path, {**TREE, f"src/{module}": line})

    assert layer_faults(root) == []


@pytest.mark.parametrize(
    "text",
    [
        "def late() -> None:\n    import outlast.engine",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from outlast import engine",
        'import importlib\nimportlib.import_module("outlast.engine")',
        '__import__("outlast.engine")',
    ],
    ids=["inside a function", "for types only", "import_module", "__import__"],
)
def test_an_import_cannot_hide(tmp_path: Path, text: str) -> None:
    root = plant(tmp_path, {**TREE, "src/outlast/storage/rows.py": text})

    assert any("outlast.storage.rows must not import outlast.engine" in fault for fault in layer_faults(root))


def test_a_cycle_is_shown_as_a_path(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {
            "src/outlast/core/a.py": "from outlast.core import b",
            "src/outlast/core/b.py": "def late() -> None:\n    import outlast.core.c",
            "src/outlast/core/c.py": "from .a import thing",
        },
    )

    [fault] = layer_faults(root)

    assert fault.startswith("import cycle: ")
    for step in ("outlast.core.a → outlast.core.b", "outlast.core.b → outlast.core.c"):
        assert step in fault + fault.removeprefix("import cycle: ").partition(" ")[2]


PLANTED = [
    ("no file is too long", "src/outlast/long.py", "x = 1\n" * 401, "401 lines"),
    ("no function is too long", "tests/test_long.py", "def f():\n" + "    x = 1\n" * 40, "f has 41 lines of code"),
    ("modules are named after what they hold", "src/outlast/core/utils.py", "", "a module named utils"),
    ("modules are named after what they hold", "src/outlast/common/job.py", "", "a module named common"),
    ("no test sleeps", "tests/test_slow.py", "time.s" + "leep(1)\n", "waits on a condition"),
    ("no test sleeps", "tests/test_slow.py", "from asyncio import s" + "leep\n", "waits on a condition"),
    ("nothing is left unfinished", "docs/plan.md", "\nTO" + "DO: more\n", "docs/plan.md:2"),
    ("no path of one machine", "docs/how.md", "cd /ro" + "ot/project\n", "names a path of one machine"),
    ("no path of one machine", "run", 'X="/wo' + 'rk/main"\n', "run:1"),
    ("the lock file names no host", "requirements.lock", "--index-url https://example.org\n", "names a host"),
    ("uv.lock is not tracked", ".gitignore", ".venv/\n", "does not list uv.lock"),
]


@pytest.mark.parametrize(("rule", "name", "text", "words"), PLANTED)
def test_a_planted_fault_is_found(tmp_path: Path, rule: str, name: str, text: str, words: str) -> None:
    root = plant(tmp_path, {name: text})

    [fault] = RULES[rule](root)

    assert words in fault


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        ("no file is too long", "src/outlast/long.py", "x = 1\n" * 400),
        (
            "no function is too long",
            "src/outlast/long.py",
            'def f():\n    """Told\n\n    at length."""\n\n    # why\n' + "    x = 1\n" * 39,
        ),
        ("modules are named after what they hold", "src/outlast/datastore.py", ""),
        ("no test sleeps", "src/outlast/engine/loop.py", "time.s" + "leep(1)\n"),
        ("no path of one machine", "docs/links.md", "https://example.org/wo" + "rk/page and /rootless\n"),
        ("the lock file names no host", "requirements.lock", "apsw==3.54.1.0 \\\n    --hash=sha256:0bad\n"),
    ],
)
def test_what_is_within_the_rules_passes(tmp_path: Path, rule: str, name: str, text: str) -> None:
    root = plant(tmp_path, {name: text})

    assert list(RULES[rule](root)) == []


def test_imports_point_down() -> None:
    faults = layer_faults(ROOT)

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_rule_holds(rule: str) -> None:
    faults = list(RULES[rule](ROOT))

    assert not faults, "\n".join(faults)
