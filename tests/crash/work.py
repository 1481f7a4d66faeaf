"""The jobs of the crash tests. They note their effects in a file, one short O_APPEND write each."""

import os
import threading
from pathlib import Path
from typing import Any

from outlast import Context, job
from tests.waiting import eventually


def note(path: str, word: str) -> None:
    """Add a line to the file, with the pid that did it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(descriptor, f"{word} {os.getpid()}\n".encode())
    os.close(descriptor)


def words(path: Path) -> list[str]:
    """Return what was noted, in order."""
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def pids(path: Path) -> list[int]:
    """Return who noted it."""
    return [int(line.split()[1]) for line in path.read_text().splitlines()] if path.exists() else []


def effect(path: str, word: str) -> str:
    note(path, word)
    return word


@job(isolation="process")
def everything(ctx: Context, path: str) -> dict[str, Any]:
    """Pass everything that is saved: a step, a checkpoint, another step, a result."""
    first = ctx.step("first", effect, path, "first")
    ctx.checkpoint({"at": 1}, done=1, total=2, now=True)
    second = ctx.step("second", effect, path, "second")
    return {"steps": [first, second], "cursor": ctx.cursor}


@job
def three_steps(ctx: Context, path: str, go: str) -> list[str]:
    """Two steps, a pause until the file `go` exists, and the third."""
    note(path, "begun")
    done = [ctx.step(name, effect, path, name) for name in ("one", "two")]
    eventually(Path(go).exists, timeout=60)
    note(path, "went-on")
    return [*done, ctx.step("three", effect, path, "three")]


@job
def ends_when_told(path: str, go: str) -> str:
    """Save nothing at all; only the end has to be told."""
    note(path, "begun")
    eventually(Path(go).exists, timeout=60)
    note(path, "ended")
    return "told"


@job(on_interrupt="fail")
def never_twice(path: str) -> None:
    note(path, "begun")
    threading.Event().wait()


@job(max_crashes=2)
def stays(path: str) -> None:
    note(path, "begun")
    threading.Event().wait()


@job(max_crashes=2)
def saves_and_stays(ctx: Context, path: str) -> None:
    ctx.step(f"attempt {ctx.attempt}", effect, path, "begun")
    threading.Event().wait()


@job(max_attempts=4, backoff="200ms..400ms")
def fails(path: str) -> None:
    note(path, "tried")
    raise ConnectionError("not yet")


@job
def fails_at_once(why: str) -> None:
    raise ValueError(why)


@job
def shows_environment() -> dict[str, str]:
    names = ("OUTLAST_QUEUE_LIMITS", "TARGET_DIFFICULTY_START", "MY_OWN", "NOT_NAMED", "OUTLAST_TOKEN")
    return {name: os.environ[name] for name in names if name in os.environ}


@job
def shows_database_url() -> str | None:
    return os.environ.get("DATABASE_URL")


@job
def steady_steps(ctx: Context, path: str, count: int) -> int:
    for step in range(count):
        ctx.step(str(step), effect, path, str(step))
        threading.Event().wait(0.02)
    return count


@job(timeout=1.5)
def takes_too_long(path: str) -> None:
    note(path, "begun")
    threading.Event().wait()


@job
def number(value: int) -> int:
    return value
