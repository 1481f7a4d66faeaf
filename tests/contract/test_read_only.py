"""A store that cannot be written is still read, and says so when somebody writes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from outlast.storage.sqlite import SqliteStore
from tests.contract.making import end, running, submitted
from tests.faults.fixtures import ROOT

PROGRAM = """
import json, sys
from pathlib import Path
from outlast.core.errors import OutlastError
from outlast.core.query import Query
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import submitted

store = SqliteStore(Path(sys.argv[1]) / "jobs.db")
jobs = store.page(Query(), before=None, limit=9).jobs
store.mark_read([job.id for job in jobs])
answer = {"ids": [job.id for job in jobs], "problems": store.check(), "seen": store.changes() == store.changes()}
try:
    submitted(store)
except OutlastError as error:
    answer["error"] = [type(error).__name__, str(error)]
store.close()
print(json.dumps(answer))
"""


def read_with_a_read_only_mount(directory: Path) -> dict[str, Any]:
    """Run PROGRAM where the directory is mounted read-only."""
    mounts = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    program = [sys.executable, "-c", PROGRAM, str(directory)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounts, str(directory), *program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip("needs root")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def furnished(directory: Path) -> str:
    """Make a store with one finished job; return its id."""
    store = SqliteStore(directory / "jobs.db")
    job = running(store)
    end(store, job)
    store.close()
    return job.id


def in_a_child_that_dies(directory: Path) -> str:
    """Submit a job in a process that dies without closing the store; return its id."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        job = submitted(SqliteStore(directory / "jobs.db"))
        os.write(writer, job.id.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader) as pipe:
        return pipe.read()


@pytest.mark.parametrize("left", [(), ("-wal",), ("-wal", "-shm")], ids=["closed", "wal", "wal and shm"])
def test_a_store_on_a_read_only_disk_is_read_with_all_that_was_committed(tmp_path: Path, left: tuple[str, ...]) -> None:
    ids = [furnished(tmp_path)]
    if left:
        ids.insert(0, in_a_child_that_dies(tmp_path))
    if left == ("-wal",):
        (tmp_path / "jobs.db-shm").unlink()
    files = sorted(os.listdir(tmp_path))
    before = {name: (tmp_path / name).read_bytes() for name in files if not name.endswith("-shm")}

    answer = read_with_a_read_only_mount(tmp_path)

    assert answer["ids"] == ids
    assert answer["problems"] == []
    assert answer["seen"]
    assert answer["error"][0] == "StoreReadOnly"
    assert str(tmp_path / "jobs.db") in answer["error"][1]
    assert sorted(os.listdir(tmp_path)) == files
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
