"""Screens that are kept as text files: a test fails when one changes; SCREENS=write keeps the new one."""

import os
import re
from difflib import unified_diff
from pathlib import Path

import pytest

from outlast.clients.render.text import width_of

DIRECTORY = Path(__file__).with_name("screens")
COLUMNS = 80
_MASKS = (
    (re.compile(r"_\d{13}_[0-9a-f]{16}"), "_1700000000000_0123456789abcdef"),
    (re.compile(r"^[0-9a-f]{8}(?=  )", re.MULTILINE), "01234567"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, (now|\d+s ago)"), "2023-11-14 22:13:20 UTC, now"),
    (re.compile(r"  (now| \ds|\d\ds)(?=$|  )", re.MULTILINE), "  now"),
)


def masked(screen: str) -> str:
    """Return the screen with ids and times that are the same in every run."""
    for pattern, word in _MASKS:
        screen = pattern.sub(word, screen)
    return screen


def check_screen(name: str, screen: str) -> None:
    """Fail unless the screen is the one that is kept under `name`, and fits 80 columns."""
    wide = [line for line in screen.splitlines() if width_of(line) > COLUMNS]
    assert not wide, f"{name} is wider than {COLUMNS} columns: {wide}"
    screen = screen.replace("\x1b", "␛")
    path = DIRECTORY / f"{name}.txt"
    if os.environ.get("SCREENS") == "write":
        path.write_text(screen, encoding="utf-8")
    if not path.exists():
        pytest.fail(f"{path.name} is not kept yet; SCREENS=write keeps it.")
    kept = path.read_text(encoding="utf-8")
    changes = "\n".join(unified_diff(kept.splitlines(), screen.splitlines(), "kept", "now", lineterm=""))
    assert screen == kept, f"{path.name} has changed; SCREENS=write keeps the new one.\n{changes}"
