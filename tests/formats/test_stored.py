"""What earlier programs wrote is read for ever: every stored store, and every stored export."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from outlast.core.status import Status
from outlast.storage.exchange.importing import Wishes, import_file
from outlast.storage.sqlite import SqliteStore, schema
from tests.faults.fixtures import ROOT
from tests.formats.furnish import furnish, seen

STORED = Path(__file__).with_name("stored")
VERSIONS = sorted(path.name for path in STORED.glob("schema-*"))
EXPORTS = sorted(path.name for path in STORED.glob("export-*"))


def unpack(name: str, target: Path) -> Path:
    target.write_bytes(gzip.decompress((STORED / name).read_bytes()))
    return target


def expected(version: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(gzip.decompress((STORED / version / "expected.json.gz").read_bytes()))
    return shown


def values(each: dict[str, Any]) -> dict[str, Any]:
    """Return what is seen of a job, its JSON texts as values: an export writes them without spaces."""
    texts = {name: each[name] and json.loads(each[name]) for name in ("args", "cursor")}
    steps = [[name, kind, json.loads(result), *rest] for name, kind, result, *rest in each["steps"]]
    return {**each, **texts, "steps": steps}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store(version: str, tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(unpack(f"{version}/jobs.db.gz", tmp_path / "jobs.db"))) as store:
        yield store


def test_the_current_schema_is_among_the_stored_ones() -> None:
    assert f"schema-{schema.VERSION}" in VERSIONS, "make it as tests/formats/furnish.py says"


def test_a_stored_store_is_of_its_version(version: str, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(unpack(f"{version}/jobs.db.gz", tmp_path / "jobs.db")))) as connection:
        assert connection.pragma("user_version") == int(version.removeprefix("schema-"))


def test_a_stored_store_shows_all_it_ever_showed(store: SqliteStore, version: str) -> None:
    assert json.loads(json.dumps(list(seen(store)))) == expected(version)
    assert store.check() == []
    assert store.supervisor() is not None
    assert len(store.processes()) == 1


def test_work_goes_on_in_a_stored_store(store: SqliteStore) -> None:
    queued = store.due(99)
    running = [store.claim(job, "p2") for job in queued]

    assert len(running) > 1
    assert store.wake(99) > 1
    assert {len(store.steps(job.id, after=0, limit=99)) for job in store.running()} == {0, 2, 3}
    removed = store.removed("a removed one")
    assert removed is not None
    assert removed.status is Status.COMPLETED


READ_ONLY = """
import json, sys
from pathlib import Path
from outlast.storage.sqlite import SqliteStore
from tests.formats.furnish import seen
store = SqliteStore(Path(sys.argv[1]))
json.dump(list(seen(store)), sys.stdout)
store.close()
"""


def test_a_stored_store_is_read_where_nothing_can_be_written(version: str, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    path = unpack(f"{version}/jobs.db.gz", tmp_path / "jobs.db")
    before = path.read_bytes()
    mounts = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounts, str(tmp_path), sys.executable, "-c", READ_ONLY, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected(version)
    assert path.read_bytes() == before


def test_what_is_furnished_today_is_what_is_stored(tmp_path: Path) -> None:
    furnish(tmp_path / "jobs.db")

    with closing(SqliteStore(tmp_path / "jobs.db")) as store:
        assert json.loads(json.dumps(list(seen(store)))) == expected(f"schema-{schema.VERSION}")


@pytest.mark.parametrize("name", EXPORTS)
def test_a_stored_export_is_imported_for_ever(name: str, tmp_path: Path) -> None:
    path = unpack(name, tmp_path / "jobs.jsonl")
    with closing(SqliteStore(tmp_path / "jobs.db")) as store, open(path, "rb") as file:
        imported = import_file(store.database, file, "it", Wishes(resume=True), store.now())

        assert (imported.added, imported.unfinished, imported.history) == (23, 10, 1)
        shown = {each["job"]["job_id"]: each for each in json.loads(json.dumps(list(seen(store))))}
    for each in expected("schema-2"):
        if each["job"]["status"] in ("completed", "failed", "cancelled"):
            assert values(shown[each["job"]["job_id"]]) == values({**each, "read": None})
