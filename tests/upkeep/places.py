"""Data directories that are well, and in every way not; and processes that hold a lock."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import apsw

from outlast.core.findings import Finding
from outlast.core.job import Job
from outlast.core.query import Query
from outlast.durable import ensure_directory
from outlast.settings import Settings, load_settings
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.backup import copy_store
from outlast.storage.view_file import ViewFile
from outlast.upkeep.doctor import examine
from outlast.upkeep.repair import Repaired, repair
from tests.contract.making import end, running, step, submitted

CLEAN = {"HOME": "/"}
"""An environment with nothing to say about."""

_HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+b" if sys.argv[3] == "old" else "w+b")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


def settings_of(directory: Path) -> Settings:
    """Return the settings of a data directory, and nothing else that is set."""
    return load_settings({"JOBS_DATA_DIR": str(directory)}, environ={}, cwd=directory.parent)


def furnished(directory: Path, *, queued: int = 0) -> Path:
    """Make a data directory as a supervisor leaves it, with ten ended jobs; return the store."""
    path = directory / "jobs.db"
    for name in ("logs", "backup"):
        ensure_directory(directory / name)
    ensure_directory(directory / "run", private=True)
    with closing(SqliteStore(path)) as store:
        for number in range(10):
            job = running(store, id=f"job{number}", args=f'{{"args":["{"x" * 900}"],"kwargs":{{}}}}')
            store.save_step(job.claim, step("one", '"' + "y" * 2_000 + '"'))
            end(store, job)
        for number in range(queued):
            submitted(store, id=f"queued{number}")
        ViewFile(store, directory / "jobs.json").write()
    for _ in copy_store(path, directory / "backup" / "jobs.db"):
        pass
    return path


def findings(directory: Path, environ: dict[str, str] | None = None) -> dict[str, Finding]:
    """Return what the doctor finds, by name."""
    return {finding.name: finding for finding in examine(settings_of(directory), CLEAN if environ is None else environ)}


def change(path: Path, sql: str) -> None:
    """Change a store behind our back."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(sql)


def overwrite(path: Path, *pages: int) -> None:
    """Damage pages of a file."""
    with open(path, "r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(b"damage " * 585)


@contextmanager
def holding(path: Path, *, byte: int = 0, exists: bool = False) -> Iterator[int]:
    """Let another process hold a lock on a byte of a file; yield its pid."""
    command = [sys.executable, "-c", _HOLD, str(path), str(byte), "old" if exists else "new"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.stdin.close()


def tree(directory: Path) -> dict[str, bytes | None]:
    """Return every file below a directory and what it holds."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in sorted(directory.rglob("*"))
    }


def _foreign(path: Path) -> None:
    change(path, "CREATE TABLE notes (text)")


def _newer(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        submitted(store)
    change(path, "INSERT INTO migrations VALUES (99, '0099_later.sql', 'x', 1); PRAGMA user_version = 99")


def _half_repaired(path: Path) -> None:
    Path(f"{path}.repair").write_text("no plan")


def _loop(path: Path) -> None:
    path.symlink_to(path)


BROKEN: dict[str, Callable[[Path], object]] = {
    "damaged": lambda path: path.write_bytes(b"this is no database" * 1000),
    "zeros": lambda path: path.write_bytes(bytes(50_000)),
    "foreign": _foreign,
    "newer": _newer,
    "directory": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "loop": _loop,
    "half repaired": _half_repaired,
}
"""What may stand in a store's place."""


def mend(place: Path, **wishes: Path) -> Repaired:
    """Repair a data directory."""
    return repair(settings_of(place), **wishes)


def replace_setting(settings: Settings, **values: object) -> Settings:
    """Return settings with other values."""
    return replace(settings, values={**settings.values, **values})


def jobs_of(place: Path) -> dict[str, Job]:
    """Return the jobs of a sound store by id."""
    with closing(SqliteStore(place / "jobs.db")) as store:
        assert store.check() == []
        return {job.id: job for job in store.page(Query(), before=None, limit=999).jobs}


def kept(place: Path) -> list[Path]:
    """Return the damaged stores that were set aside."""
    return [path for path in sorted(place.glob("jobs.db.damaged-*")) if not path.name.endswith(("-wal", "-shm"))]
