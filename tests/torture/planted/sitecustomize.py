"""Faults planted into programs from outside, to show that the oracle sees them. Inert without TORTURE_FAULT.

Python imports this at its start when PYTHONPATH names this directory; the fault waits for the module that it belongs
to: the supervisor's, so that no other process has it, or the store's.
"""

import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

SUPERVISOR = "outlast.engine.supervisor"
STORE = "outlast.storage.sqlite.connection"
REMOVAL = "outlast.storage.sqlite.removal"


class Planter(MetaPathFinder):
    """Plants a fault as soon as its module has been imported."""

    def __init__(self, target: str, plant: Callable[[], None]) -> None:
        self._target = target
        self._plant = plant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._target:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        assert spec.loader is not None
        run = spec.loader.exec_module

        def run_and_plant(module: ModuleType) -> None:
            run(module)
            self._plant()

        spec.loader.exec_module = run_and_plant  # type: ignore[method-assign]
        return spec


def answer_before_commit() -> None:
    """Tell a job that its step is kept, and keep it a moment later."""
    from outlast.engine.turn import Turn
    from outlast.storage.sqlite import SqliteStore

    batch = SqliteStore.batch

    @contextmanager
    def late_batch(self: SqliteStore, *, flush: bool = True) -> Iterator[None]:
        with batch(self, flush=flush):
            yield
            threading.Event().wait(0.02)

    def answer(self: Any, connection: Any, message: Any) -> None:
        self._wire.send(connection, message)
        self._wire.flush()

    SqliteStore.batch = late_batch  # type: ignore[method-assign, assignment]
    Turn.answer = answer  # type: ignore[method-assign]


def no_attempt_check() -> None:
    """Take the end of a job from whoever reports it, whatever attempt he says he is."""
    from outlast.core.status import Status
    from outlast.engine.desk import Desk
    from outlast.engine.jobside.protocol import OK

    finish = Desk._finish

    def finish_any(self: Any, turn: Any, process: Any, message: Any) -> Any:
        job = self._store.get(message["job"])
        if job.attempt == message["attempt"]:
            return finish(self, turn, process, message)
        if job.status is Status.RUNNING:
            self._settle(turn, process, job, message)
        return OK

    Desk._all_current = lambda self, held: True  # type: ignore[method-assign]
    Desk._finish = finish_any  # type: ignore[method-assign]


def no_adoption() -> None:
    """Take every process of an earlier supervisor for dead, and put its job back at once."""
    from outlast.engine.ending import Ending
    from outlast.engine.recovery import Recovery

    Recovery.lives = lambda self, identity: False  # type: ignore[method-assign]
    Ending.advance = lambda self: True  # type: ignore[method-assign]


def relaxed() -> None:
    """Let commits reach the disk at some time: they survive kill -9, and no power cut."""
    from outlast.storage.sqlite import connection

    vars(connection)["_FLUSHED"] = connection._UNFLUSHED


def prunes_kept_jobs() -> None:
    """Let a prune take kept jobs with it."""
    from outlast.storage.sqlite import removal

    vars(removal)["_ENDED_BEFORE"] = removal._ENDED_BEFORE.replace(" AND keep = 0", "")


FAULTS = {
    "answer_before_commit": (SUPERVISOR, answer_before_commit),
    "no_attempt_check": (SUPERVISOR, no_attempt_check),
    "no_adoption": (SUPERVISOR, no_adoption),
    "relaxed": (STORE, relaxed),
    "prunes_kept_jobs": (REMOVAL, prunes_kept_jobs),
}

if os.environ.get("TORTURE_FAULT"):
    sys.meta_path.insert(0, Planter(*FAULTS[os.environ["TORTURE_FAULT"]]))
