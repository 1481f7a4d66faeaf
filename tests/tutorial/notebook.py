"""How the jobs of the tutorial tell their tests what they did: lines in a file, added by short whole writes."""

from pathlib import Path


def note(path: str, line: str) -> None:
    """Add a line to the file."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def notes(path: Path) -> list[str]:
    """Return the lines so far."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
