"""Strikes an operation at every file-system call, one after the other, and tells what each stroke left.

    LD_PRELOAD=faultio.so python -m tests.faults.striker MODULE NAME DIRECTORY FAULT [FIRST STRIDE]

NAME is an Operation of MODULE, FAULT the JSON of a faultio.Fault without `nth` and `path`. Each stroke happens in a
fork of this process, on a fresh copy of what `prepare` made. A line of JSON tells of it. It ends with the first stroke
that met no call any more.
"""

import importlib
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from outlast.core.errors import OutlastError
from tests.faults import faultio
from tests.faults.faultio import Fault

ACKNOWLEDGED = b"acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Something that must happen whole or not at all.

    `act` calls its second argument once it was promised; `look` answers "before" or "after", or says what is wrong.
    """

    prepare: Callable[[Path], object]
    act: Callable[[Path, Callable[[], None]], None]
    look: Callable[[Path], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """What a stroke at the nth call left. `error` is what the operation raised, if it could."""

    nth: int
    struck: bool
    acknowledged: bool
    state: str
    error: str = ""

    @property
    def is_sound(self) -> bool:
        """True if all or nothing happened, and all if it was promised."""
        return self.state == "after" or (self.state == "before" and not self.acknowledged)


def strokes(operation: Operation, directory: Path, fault: Fault, first: int = 1, stride: int = 1) -> list[Stroke]:
    """Strike at every call from the first on, or at every `stride`-th."""
    template = directory / "template"
    template.mkdir()
    operation.prepare(template)
    made = []
    for nth in itertools.count(first, stride):
        scene = directory / "scene"
        shutil.copytree(template, scene, symlinks=True)
        made.append(_strike(operation, scene, Fault(**{**asdict(fault), "nth": nth, "path": str(scene)})))
        shutil.rmtree(scene)
        if not made[-1].struck:
            return made
    raise AssertionError


def _strike(operation: Operation, scene: Path, fault: Fault) -> Stroke:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _act(operation, scene, fault, writer)
    os.close(writer)
    with open(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    words = said.decode().split("\n")
    counted = next((int(word.removeprefix("calls ")) for word in words if word.startswith("calls ")), fault.nth)
    return Stroke(
        nth=fault.nth,
        struck=(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL) or counted >= fault.nth,
        acknowledged=ACKNOWLEDGED.decode() in words,
        state=operation.look(scene),
        error=next((word.removeprefix("raised ") for word in words if word.startswith("raised ")), ""),
    )


def _act(operation: Operation, scene: Path, fault: Fault, writer: int) -> None:
    """Be the process that is struck; never return."""
    try:
        faultio.arm(fault)
        try:
            operation.act(scene, lambda: _say(writer, ACKNOWLEDGED))
        except (OutlastError, OSError) as error:
            _say(writer, f"raised {type(error).__name__}: {error}".replace("\n", " ").encode())
        _say(writer, f"calls {faultio.disarm()}".encode())
    finally:
        os._exit(0)


def _say(writer: int, word: bytes) -> None:
    os.write(writer, word + b"\n")


def main() -> None:
    """Run the strokes of the command line."""
    module, name, directory, fault, *steps = sys.argv[1:]
    operation = getattr(importlib.import_module(module), name)
    for stroke in strokes(operation, Path(directory), Fault(nth=0, **json.loads(fault)), *map(int, steps)):
        print(json.dumps(asdict(stroke)))


if __name__ == "__main__":
    main()
