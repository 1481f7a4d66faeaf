"""A repair as something that is struck: whatever dies in it, running it again makes it whole."""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from outlast.core.errors import OutlastError, StoreDamaged
from outlast.core.query import Query
from outlast.settings import Settings, load_settings
from outlast.storage.sqlite import SqliteStore, replacing
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.sqlite.beside import SIDES
from outlast.storage.view_file import ViewFile
from outlast.upkeep.repair import repair
from tests.contract.making import end, running, step, stored, submitted
from tests.faults.striker import Operation

JOBS = 12
PAGE = 4096


def settings_of(directory: Path) -> Settings:
    return load_settings({"JOBS_DATA_DIR": str(directory)}, environ={}, cwd=directory)


def prepare(directory: Path) -> None:
    """Make a damaged store that died in use, a backup that lacks one job, and a jobs.json that has only the last."""
    store = SqliteStore(directory / "jobs.db")
    for number in range(JOBS - 3):
        job = running(store, id=f"j{number}", args=f'{{"args":["{"x" * 900}"],"kwargs":{{}}}}')
        store.save_step(job.claim, step("one", '"' + "y" * 900 + '"'))
        end(store, job)
    submitted(store, id="queued")
    (directory / "backup").mkdir()
    for _ in copy_store(directory / "jobs.db", directory / "backup" / "jobs.db"):
        pass
    submitted(store, id="later")
    store.close()
    damaged = bytearray((directory / "jobs.db").read_bytes())
    for page in (6, 7, 8, len(damaged) // PAGE - 2):
        damaged[page * PAGE : (page + 1) * PAGE] = random.Random(page).randbytes(PAGE)
    (directory / "jobs.db").write_bytes(damaged)
    (directory / "jobs.db-wal").write_bytes(b"rest of a WAL" * 100)
    _publish(directory)
    shutil.copy(directory / "jobs.db", directory / "as-it-was")


def _publish(directory: Path) -> None:
    with closing(SqliteStore(directory / "other.db")) as other:
        submitted(other, id="later")
        end(other, running(other, id="published"))
        ViewFile(other, directory / "jobs.json").write()
    (directory / "other.db").unlink()


def act(directory: Path, acknowledge: Callable[[], None]) -> None:
    repair(settings_of(directory))
    acknowledge()


def look(directory: Path) -> str:
    """Tell whether the store is the damaged or the new one, then repair it (again) and look for everything."""
    path = directory / "jobs.db"
    state = _state(directory)
    if os.path.lexists(f"{path}.repair"):
        fault = _opens(path)
        if fault:
            return fault
    try:
        repair(settings_of(directory))
    except OutlastError as error:
        return f"it cannot be repaired again: {error}"
    return _faults(directory) or state


def _state(directory: Path) -> str:
    same = (directory / "jobs.db").read_bytes() == (directory / "as-it-was").read_bytes()
    return "before" if same or replacing.is_unfinished(directory / "jobs.db") else "after"


def _opens(path: Path) -> str:
    """Return a fault if a half-repaired store can be opened."""
    try:
        with closing(SqliteStore(path)) as store:
            store.stats()
    except StoreDamaged as error:
        return "" if "repair" in str(error) else f"it says {error}"
    return "it was opened in the middle of its repair"


def _faults(directory: Path) -> str:
    kept = [path for path in directory.glob("jobs.db.damaged-*") if not path.name.endswith(SIDES)]
    if len(kept) != 1 or kept[0].read_bytes() != (directory / "as-it-was").read_bytes():
        return f"the damaged store is not kept once: {kept}"
    if not Path(f"{kept[0]}-wal").exists():
        return "its WAL was not kept"
    left = [path.name for path in directory.iterdir() if path.suffix in (".tmp", ".repair", ".db-wal")]
    # A young one may be somebody's who writes it just now.
    left = [name for name in left if not name.startswith(".jobs.json.")]
    if left:
        return f"left behind: {left}"
    with closing(SqliteStore(directory / "jobs.db")) as store:
        found = {job.id for job in store.page(Query(), before=None, limit=99).jobs}
        wanted = {"queued", "later", "published", *(f"j{number}" for number in range(JOBS - 3))}
        if found != wanted:
            return f"jobs {sorted(wanted ^ found)}"
        steps = {len(store.steps(f"j{number}", after=0, limit=9)) for number in range(JOBS - 3)}
        words = {stored(store, name).error for name in ("queued", "later")}
        if steps != {1} or words != {"Job was interrupted by system shutdown"}:
            return f"steps {steps}, words {words}"
        return "; ".join(store.check())


repairing = Operation(prepare=prepare, act=act, look=look)


def _without_a_marker(directory: Path, acknowledge: Callable[[], None]) -> None:
    vars(replacing)["marker_of"] = lambda path: path.with_name("unseen")
    act(directory, acknowledge)


repairing_unmarked = Operation(prepare=prepare, act=_without_a_marker, look=look)
"""A planted fault: the test must find it."""
