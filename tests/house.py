"""The house rules a machine can hold: sizes, names, and words that must not stand in a file.

Each rule is a function from a project's root to lines `path:line: what is wrong`.
"""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 40
FORBIDDEN_MODULES = frozenset({"manager", "util", "utils", "helper", "helpers", "common", "data", "info"})

_NOT_OURS = frozenset({".git", ".venv", ".tools", "__pycache__", "data", "sessions", "dist"})
# Character classes keep these patterns from finding themselves.
_SLEEP = re.compile(r"\b(?:time|asyncio)\.slee[p]\b|\bfrom (?:time|asyncio) import .*\bslee[p]\b")
_UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E])\b")
_MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:wor[k]|roo[t])/\w")
_HOST = re.compile(r"[a-z]+://|--(?:extra-)?index-url|--find-links|--trusted-host", re.IGNORECASE)


def project_files(root: Path) -> list[Path]:
    """Return the files that are tracked or about to be; without git, those that do not look made or fetched."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        paths = (path for path in root.rglob("*") if not _NOT_OURS.intersection(path.relative_to(root).parts))
    else:
        paths = (root / name for name in listed.split("\0") if name)
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def long_files(root: Path) -> Iterator[str]:
    for path in _python_files(root, "src", "tests"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST_FILE_LINES:
            yield f"{path.relative_to(root)}: {lines} lines; the most is {MOST_FILE_LINES}"


def long_functions(root: Path) -> Iterator[str]:
    for path in _python_files(root, "src", "tests"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = code_lines(node, text.splitlines())
                if lines > MOST_FUNCTION_LINES:
                    place = f"{path.relative_to(root)}:{node.lineno}"
                    yield f"{place}: {node.name} has {lines} lines of code; the most is {MOST_FUNCTION_LINES}"


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Count a function's lines from `def` on, without its docstring, blank lines and lines that only comment."""
    numbers = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        numbers -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    texts = (source[number - 1].strip() for number in numbers)
    return sum(1 for text in texts if text and not text.startswith("#"))


def module_names(root: Path) -> Iterator[str]:
    for path in _python_files(root, "src", "tests"):
        parts = path.relative_to(root).with_suffix("").parts[1:]
        for part in parts:
            if part.strip("_") in FORBIDDEN_MODULES:
                yield f"{path.relative_to(root)}: a module named {part} does not say what it is for"


def sleeps(root: Path) -> Iterator[str]:
    yield from _lines_with(_SLEEP, root, _python_files(root, "tests"), "a test waits on a condition (waiting.py)")


def unfinished(root: Path) -> Iterator[str]:
    yield from _lines_with(_UNFINISHED, root, project_files(root), "finish it, or write an issue")


def machine_paths(root: Path) -> Iterator[str]:
    yield from _lines_with(_MACHINE_PATH, root, project_files(root), "names a path of one machine")


def lock_hosts(root: Path) -> Iterator[str]:
    lock = root / "requirements.lock"
    if lock.exists():
        yield from _lines_with(_HOST, root, [lock], "the lock file names a host")


def uv_lock(root: Path) -> Iterator[str]:
    """`uv.lock` names registry hosts: it stays untracked, requirements.lock is what counts."""
    ignored = root / ".gitignore"
    if not ignored.exists() or "uv.lock" not in ignored.read_text(encoding="utf-8").split():
        yield ".gitignore: does not list uv.lock"
    if _git(root, "ls-files", "-z", "--cached", "uv.lock"):
        yield "uv.lock: is tracked"


RULES: dict[str, Callable[[Path], Iterator[str]]] = {
    "no file is too long": long_files,
    "no function is too long": long_functions,
    "modules are named after what they hold": module_names,
    "no test sleeps": sleeps,
    "nothing is left unfinished": unfinished,
    "no path of one machine": machine_paths,
    "the lock file names no host": lock_hosts,
    "uv.lock is not tracked": uv_lock,
}


def _python_files(root: Path, *folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


def _lines_with(pattern: re.Pattern[str], root: Path, paths: list[Path], why: str) -> Iterator[str]:
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if found := pattern.search(line):
                yield f"{path.relative_to(root)}:{number}: {found[0]}: {why}"


def _git(root: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where there is no git or no repository at `root`."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.decode() if done.returncode == 0 else None
