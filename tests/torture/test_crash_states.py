"""T3 for the store: whatever state a power cut leaves the disk in, a change is there whole or not at all, and whole if
it was promised.

TORTURE_STORE_STATES judges so many states of each moment.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from outlast.core.errors import OutlastError
from tests.contract.making import submitted
from tests.contract.operations import open_store
from tests.contract.steering import CHANGES
from tests.faults.crashstates import Call, Disk, Plan, Verdict, judge, read_recording
from tests.faults.fixtures import ROOT, faultio
from tests.faults.striker import Operation
from tests.figures import Figures

__all__ = ["faultio"]

MOST = int(os.environ.get("TORTURE_STORE_STATES", "4"))
HOLDER = """
import sys, threading
from pathlib import Path
from tests.contract.operations import open_store
store = open_store(Path(sys.argv[1]))
store.stats()
print("open", flush=True)
threading.Event().wait()
"""
MODELS = ("weak", "ordered")
SHARED_MEMORY = "-shm"
"""SQLite makes this file anew after a crash: it is no part of the disk."""


class Scene:
    """A change of a store: what stood there before, what it wrote, and what is to be seen after a crash."""

    def __init__(self, name: str, library: Path, place: Path) -> None:
        module = CHANGES[name]
        self.operation: Operation = getattr(importlib.import_module(module), name)
        self.root = place / "root"
        self.root.mkdir()
        self._words = [module, name, str(self.root)]
        self._recording = place / "recording"
        self._environment = {**os.environ, "LD_PRELOAD": str(library), "FI_OPS": "none", "FI_PATH": str(self.root)}

    def record(self, *faults: str, after_a_death: bool = False) -> list[Call]:
        """Let a process carry out the change; return its calls. `after_a_death`: the last one to use the store died."""
        self.operation.prepare(self.root)
        if after_a_death:
            die_in_use(self.root)
        self.before = Disk.of(self.root)
        subprocess.run(
            [sys.executable, "-m", "tests.torture.recorded", *self._words, *faults],
            env={**self._environment, "FI_REC": str(self._recording)},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return without_shared_memory(read_recording(self._recording, self.root, self.before))

    def check(self, disk: Path, told: str) -> str | None:
        """Return what is wrong with the store after a crash, None if nothing is."""
        try:
            state = self.operation.look(disk)
        except (OutlastError, OSError, ValueError, AssertionError) as error:
            return f"REFUSED: {error!r}"
        if state == "after" or (state == "before" and not told):
            return None
        return f"LOST: {state}, but it was acknowledged" if told else f"TORN: {state}"

    def judge(self, calls: Sequence[Call], most: int = MOST, *, to_the_end: bool = True) -> Verdict:
        """Judge every state that the calls may leave, whether the disk keeps the order of names or not."""
        plans = [Plan(model=model, most=most, before=self.before, to_the_end=to_the_end) for model in MODELS]
        return judge(calls, self.check, *plans)


def die_in_use(root: Path) -> None:
    """Leave what kill -9 of a store's last user leaves: a WAL with commits that are not in the file yet."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], stdout=subprocess.PIPE, cwd=ROOT)
    assert holder.stdout is not None
    with holder.stdout as told, closing(open_store(root)) as store:
        told.readline()
        for number in range(3):
            submitted(store, id=f"earlier {number}")
    holder.kill()
    holder.wait()
    Path(f"{root / 'jobs.db'}{SHARED_MEMORY}").unlink()


def without_shared_memory(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if not call.path.endswith(SHARED_MEMORY)]


@pytest.mark.timeout(120 + 10 * MOST)
@pytest.mark.parametrize("name", CHANGES)
def test_no_power_cut_tears_or_loses_a_change(faultio: Path, memory_disk: Path, figures: Figures, name: str) -> None:
    scene = Scene(name, faultio, memory_disk)

    calls = scene.record()
    verdict = scene.judge(calls)

    print(len(calls), "calls")
    figures.reached("states", verdict.states)
    assert verdict.examples == []
    assert verdict.states > 20


@pytest.mark.timeout(120 + 10 * MOST)
@pytest.mark.parametrize("name", ["claim", "save_step", "finish", "cancel", "put_back"])
def test_no_power_cut_after_a_death_tears_or_loses_a_change(
    faultio: Path, memory_disk: Path, figures: Figures, name: str
) -> None:
    scene = Scene(name, faultio, memory_disk)

    verdict = scene.judge(scene.record(after_a_death=True))

    figures.reached("states", verdict.states)
    assert verdict.examples == []
    assert verdict.states > 20


@pytest.mark.planted
@pytest.mark.parametrize("name", ["submit", "save_step", "finish"])
def test_the_check_sees_a_commit_that_was_not_flushed(faultio: Path, memory_disk: Path, name: str) -> None:
    scene = Scene(name, faultio, memory_disk)

    verdict = scene.judge(scene.record("relaxed"), to_the_end=False)

    assert verdict.faults["LOST"] > 0, verdict


@pytest.mark.planted
@pytest.mark.parametrize(
    ("name", "missing"),
    [("submit", "fsync"), ("first_start", "fsync"), ("back_up", "fsync"), ("first_start", "fsyncdir")],
)
def test_the_check_sees_a_missing_flush(faultio: Path, memory_disk: Path, name: str, missing: str) -> None:
    scene = Scene(name, faultio, memory_disk)
    calls = [call for call in scene.record() if call.kind != missing]

    verdict = scene.judge(calls, to_the_end=False)

    assert verdict.faults, verdict
