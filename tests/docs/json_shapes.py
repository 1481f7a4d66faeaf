"""The shapes of JSON that docs/json.md describes, and how a real object is held against one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outlast.core.errors import UsageError
from outlast.core.moments import from_iso
from tests.docs.pages import ROOT, table, words

JOB_KEYS = frozenset(word for row in table(ROOT / "docs" / "files.md", "The job object") for word in words(row[0]))
CHECKLIST_KEYS = frozenset(
    re.sub(r"^checklists\[\]\.|\.\*$|\[\]$", "", word)
    for row in table(ROOT / "docs" / "json.md", "state")
    for word in words(row[0])
)
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The keys of a section: the path of each, and its type in words. The path of the object itself is empty."""

    keys: dict[str, str]

    def faults(self, value: Any) -> list[str]:
        """Return what of an object the page does not say, or says otherwise."""
        found = (self._fault(path, part) for path, part in paths(value, self.keys))
        return [fault for fault in found if fault]

    def _fault(self, path: str, value: Any) -> str:
        documented = match(path, self.keys)
        if documented is None:
            return "" if self._belongs_to_job(path) else f"{path or 'the object'} is not on the page"
        kind = self.keys[documented]
        return "" if any(_IS[word](value) for word in kind.split(" or ")) else f"{path} is no {kind}: {value!r:.60}"

    def _belongs_to_job(self, path: str) -> bool:
        return self.keys.get("") == "job" and path in JOB_KEYS

    def seen(self, value: Any) -> set[str]:
        """Return the documented keys that an object shows."""
        return {known for path, _ in paths(value, self.keys) if (known := match(path, self.keys)) is not None}


def paths(value: Any, keys: dict[str, str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every path of an object with its value, down to what the page describes as a whole.

    A section may describe a job and other keys: an object is then a job if it has an id and a status.
    """
    if path == "":
        if "" in keys and (_is_job(value) or len(keys) == 1):
            yield path, value
        yield from _below(value, keys, path)
    elif match(path, keys) is not None or (path in JOB_KEYS and "" in keys):
        yield path, value
    elif isinstance(value, dict):
        yield from _below(value, keys, path)
    elif isinstance(value, list):
        for each in value:
            yield from paths(each, keys, f"{path}[]")
    elif value is not None or not any(known.startswith(f"{path}.") for known in keys):
        yield path, value


def _below(value: dict[str, Any], keys: dict[str, str], path: str) -> Iterator[tuple[str, Any]]:
    for name, each in value.items():
        yield from paths(each, keys, f"{path}.{name}" if path else name)


def match(path: str, keys: dict[str, str]) -> str | None:
    """Return the documented key for a path; `*` fits any name."""
    if path in keys:
        return path
    parts = path.split(".")
    for key in keys:
        known = key.split(".")
        if len(known) == len(parts) and all(one in ("*", other) for one, other in zip(known, parts, strict=True)):
            return key
    return None


def _is_time(value: Any) -> bool:
    try:
        from_iso(value)
    except (UsageError, TypeError):
        return False
    return isinstance(value, str) and value.endswith("Z")


def _is_job(value: Any) -> bool:
    return isinstance(value, dict) and {"job_id", "status", "kind", "attempts"} <= value.keys()


def _is_checklist(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == CHECKLIST_KEYS


_IS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "time": _is_time,
    "null": lambda value: value is None,
    "job": _is_job,
    "checklist": _is_checklist,
    "any": lambda value: True,
}


def shapes(page: Path) -> dict[str, list[Shape]]:
    """Return the tables of the page by the heading of their section, in order."""
    found: dict[str, list[Shape]] = {}
    for section in page.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        found[heading] = [_shape(each) for each in _TABLE.findall(body)]
    return found


def _shape(text: str) -> Shape:
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines()[2:]]
    return Shape(keys={(words(row[0]) or [""])[0]: row[1] for row in rows})
