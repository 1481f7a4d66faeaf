"""Recoveries that are struck, and the recovery from that, three deep; then one that may do its work.

    LD_PRELOAD=faultio.so FI_OPS=none python -m tests.torture.recoveries DIRECTORY ROUNDS [PLANTED]

ROUNDS is JSON: a list of rounds, each a list of strikes `{"nth": 7, "mode": "kill"}` with fields of faultio.Fault. Each
round begins with a copy of the same dead data directory. A line of JSON tells of each: `strikes` that hit, `faults`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from outlast import Outlast
from outlast.acts import Acts
from outlast.app import prepare_places, supervise
from outlast.core.job import Job, ProcessIdentity
from outlast.core.places import Places
from outlast.core.status import Status
from outlast.engine.identity import identify
from outlast.engine.jobside.turnstile import Turnstile
from outlast.engine.recovery import Recovery
from outlast.settings import Settings, load_settings
from outlast.storage.sqlite import SqliteStore
from tests import processes
from tests.contract.making import step
from tests.crash.work import note, steady_steps, words
from tests.faults import faultio
from tests.faults.faultio import EVERY_WRITE, Fault
from tests.waiting import eventually

ROLES = ("saved", "unsaved", "cancelled", "queued")
"""What happened to the job before everything died; its key."""
STEPS = 2
STRUCK_SECONDS = 0.4
"""How long a supervisor whose disk fails for ever may go on before it is killed."""
HEALTHY_SECONDS = 30.0


class Grave:
    """A data directory in which everything died at once, to be copied to `root`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "scene"
        self._template = directory / "template"
        self.settings = load_settings({"JOBS_DATA_DIR": str(self.root / "jobs"), "OUTLAST_CONCURRENCY": "1"})

    @property
    def places(self) -> Places:
        return Places(self.root / "jobs")

    def notes(self, role: str) -> Path:
        return self.root / f"notes-{role}"

    def dig(self) -> None:
        """Make the directory and leave it as kill -9 of everybody does."""
        self.root.mkdir()
        places = prepare_places(self.settings)
        with Outlast(str(places.root)) as outlast:
            for role in ROLES:
                outlast.submit(steady_steps, str(self.notes(role)), STEPS, key=role)
        with closing(SqliteStore(places.store)) as store:
            store.take_office(_dead("s1"))
            for role in ("saved", "unsaved", "cancelled"):
                store.add_process(_dead(f"p-{role}"))
                job = store.claim(_job(store, role), f"p-{role}")
                _begin(places.process_lock(f"p-{role}"), job)
                note(str(self.notes(role)), "0")
                if role == "saved":
                    store.save_step(job.claim, step("0", '"0"'))
            store.add_process(_dead("p-idle"))
            places.process_lock("p-unknown").touch()
            Acts(store, "cli:alice").cancel(_job(store, "cancelled"))
        self.root.rename(self._template)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let a fresh copy stand at `root` for a while."""
        shutil.copytree(self._template, self.root)
        try:
            yield
        finally:
            for process in processes.job_processes(self.places.root):
                process.kill()
            shutil.rmtree(self.root, ignore_errors=True)


def _dead(name: str) -> ProcessIdentity:
    """Return the identity of a process that lived a moment ago."""
    with subprocess.Popen(["sleep", "60"]) as process:
        identity = identify(process.pid, name)
        process.kill()
    assert identity is not None
    return identity


def _begin(lock: Path, job: Job) -> None:
    """Do what a job process does as it begins its first job."""
    with open(lock, "w+b") as file:
        assert Turnstile(file.fileno()).begin(1, job.id, job.attempt)


def _job(store: SqliteStore, role: str) -> Job:
    return store.find(role, 1)[0]


def strike(settings: Settings, fault: Fault) -> bool:
    """Let a supervisor recover and be struck; return whether it was."""
    child = _forked(lambda: _supervise(settings, fault))
    if not fault.mode.startswith("kill"):
        with suppress(AssertionError):
            eventually(lambda: _is_over(child), timeout=STRUCK_SECONDS if fault.sticky else HEALTHY_SECONDS)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 1


def _is_over(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _forked(act: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        act()
    finally:
        os._exit(3)


def _supervise(settings: Settings, fault: Fault) -> None:
    """Be the supervisor: exit code 0 if it left by itself and met no fault, 1 if it did or fell over."""
    os.setsid()
    os.environ.pop("LD_PRELOAD")
    faultio.arm(fault)
    with suppress(BaseException):
        supervise(settings, idle_seconds=0.0)
        os._exit(1 if fault.nth and faultio.disarm() >= fault.nth else 0)
    os._exit(1)


def recover(grave: Grave) -> list[str]:
    """Let a healthy supervisor do everything that is left; return what is wrong then."""
    child = _forked(lambda: _supervise(grave.settings, Fault(nth=0, ops="none")))
    try:
        eventually(lambda: _is_over(child), timeout=HEALTHY_SECONDS, what="the supervisor to have nothing left to do")
    except AssertionError as error:
        os.kill(child, signal.SIGKILL)
        return [f"STUCK: {error}"]
    finally:
        os.waitpid(child, 0)
    return _faults(grave)


def _faults(grave: Grave) -> list[str]:
    faults = []
    with closing(SqliteStore(grave.places.store)) as store:
        faults += store.check()
        faults += [f"{identity.id} is remembered" for identity in store.processes() if identity.id.startswith("p-")]
        for role in ROLES:
            job = _job(store, role)
            history = [event.event for event in store.details(job).events]
            state = (job.status, history.count("crashed"), words(grave.notes(role)))
            if state != EXPECTED[role]:
                faults.append(f"{role}: {state}, {job.error}, {history}")
    faults += [f"{path.name} is left" for path in grave.places.run.glob("p*.lock")]
    faults += [f"{path.name} is left" for path in grave.places.root.rglob("*.tmp") if not _is_view(path)]
    return faults


def _is_view(path: Path) -> bool:
    """A young one may be somebody's who writes jobs.json just now: it is removed later."""
    return path.name.startswith(".jobs.")


EXPECTED = {
    "saved": (Status.COMPLETED, 1, ["0", "1"]),
    "unsaved": (Status.COMPLETED, 1, ["0", "0", "1"]),
    "cancelled": (Status.CANCELLED, 0, ["0"]),
    "queued": (Status.COMPLETED, 0, ["0", "1"]),
}
"""Status, deaths and effects of each job after the recovery, however often it was struck."""


def count_each_look() -> None:
    """Planted: count the death of a process when it is found, and put its job back later, in another commit."""
    take_over = Recovery.take_over

    def eager(self: Any) -> None:
        self._store.database.execute("UPDATE jobs SET crashes = crashes + 1 WHERE status = 'running' AND saved = 0")
        take_over(self)

    Recovery.take_over = eager  # type: ignore[method-assign]


def put_back_too_soon() -> None:
    """Planted: take jobs for put back as soon as their process is forgotten, in a commit before."""
    settle = Recovery.settle

    def hasty(self: Any, turn: Any, ending: Any) -> None:
        settle(self, turn, ending)
        for job in ending.process.jobs.values():
            self._store.database.execute("DELETE FROM steps WHERE seq = ?", (job.seq,))

    Recovery.settle = hasty  # type: ignore[method-assign]


PLANTED = {"count_each_look": count_each_look, "put_back_too_soon": put_back_too_soon}


def main(directory: str, rounds: str, *planted: str) -> None:
    """Run the rounds of the command line."""
    grave = Grave(Path(directory))
    grave.dig()
    for name in planted:
        PLANTED[name]()
    for strikes in json.loads(rounds):
        with grave.opened():
            faults = [Fault(**{"ops": EVERY_WRITE, "path": str(grave.root), **each}) for each in strikes]
            struck = sum(strike(grave.settings, fault) for fault in faults)
            print(json.dumps({"strikes": struck, "faults": recover(grave)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
