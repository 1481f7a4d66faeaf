"""Pages that are made from the code are up to date, and a setting that does nothing is not shown as if it did."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from outlast.settings import BY_VARIABLE
from tests.docs.pages import ROOT

SCRIPTS = sorted((ROOT / "docs").glob("make_*.py"))
NAMED_ONLY = {"settings.py", "functions.py", "engine/pool.py"}
"""Modules that list variables by name without acting on them."""


def loaded(script: Path) -> Any:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_made_page_is_up_to_date(script: Path) -> None:
    made = loaded(script)

    stands = made.PAGE.read_text(encoding="utf-8")

    assert stands == made.page(), f"run: python docs/{script.name}"


def test_a_setting_shown_as_unused_is_used_nowhere() -> None:
    unused = loaded(ROOT / "docs" / "make_settings.py").NOT_YET
    source = ROOT / "src" / "outlast"
    texts = [
        path.read_text(encoding="utf-8")
        for path in source.rglob("*.py")
        if str(path.relative_to(source)) not in NAMED_ONLY
    ]

    used = [variable for variable in unused if any(f'"{variable}"' in text for text in texts)]

    assert not used, f"take {used} out of NOT_YET in docs/make_settings.py, then run it"
    assert set(unused) <= BY_VARIABLE.keys()
