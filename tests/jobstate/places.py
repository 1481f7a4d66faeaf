"""The files of a test's checklists, and its clock."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DAY = "2025-09-20"
ACCOUNT, TYPE = "user@email.com", "daily-set"
NAMES = ["daily-check-in", "quiz-1", "poll-1"]


class Clock:
    """Seconds since 1970; moved by hand."""

    def __init__(self, day: str, hour: int = 12) -> None:
        self.seconds = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.seconds

    def to(self, moment: str) -> None:
        """Move to a moment in ISO 8601, UTC unless it says otherwise."""
        at = datetime.fromisoformat(moment)
        self.seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def json_path(directory: Path, account: str = ACCOUNT, type: str = TYPE, day: str = DAY) -> Path:
    """Return where the JSON of a checklist with ordinary names lies."""
    return directory / account / f"{type}-{day}.json"


def journal_path(directory: Path, account: str = ACCOUNT, type: str = TYPE, day: str = DAY) -> Path:
    """Return where its journal lies."""
    return directory / account / f".{type}-{day}.journal"


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON holds."""
    value = json.loads(path.read_bytes())
    assert isinstance(value, dict)
    return value


def events(path: Path) -> list[str]:
    """Return `event name` for each record of a journal."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        if line:
            fields = json.loads(line[9:])
            found.append(f"{fields['event']} {fields.get('activity', '')}".strip())
    return found


def visible_names(directory: Path) -> list[str]:
    """Return the paths below a directory that are not hidden, relative to it."""
    return sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


def snapshot(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Return time of change and content of every file below a directory."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
