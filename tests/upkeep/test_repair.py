"""The repair: everything the damaged store, its backup or jobs.json had comes back, and nothing is thrown away."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from outlast.core.errors import OutlastError, Refused, StoreFull, StoreNewer, UsageError
from outlast.core.job import Job
from outlast.core.policies import INTERRUPTED_WORDS
from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.additions import JOB_COLUMNS
from outlast.storage.sqlite.backup import copy_store
from outlast.upkeep.repair import Repaired
from tests.contract.making import end, running, submitted
from tests.formats.test_stored import unpack
from tests.upkeep.places import (
    BROKEN,
    findings,
    furnished,
    holding,
    jobs_of,
    kept,
    mend,
    overwrite,
    tree,
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a data directory that is well."""
    furnished(tmp_path / "jobs")
    return tmp_path / "jobs"


def test_a_sound_store_is_left_where_it_is(place: Path) -> None:
    before = (place / "jobs.db").stat().st_ino

    repaired = mend(place)

    assert (place / "jobs.db").stat().st_ino == before
    assert (repaired.done, repaired.recovered, repaired.is_whole) == ([], None, True)
    assert kept(place) == []


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    repaired = mend(tmp_path / "nowhere")

    assert "nothing" in repaired.done[0]
    assert os.listdir(tmp_path) == []


def test_what_lies_around_a_sound_store_is_mended(place: Path) -> None:
    (place / "jobs.json").write_text("[")
    (place / "jobs.db").chmod(0o666)
    shutil.rmtree(place / "logs")
    (place / "run" / "p0123.lock").touch()
    (place / ".jobs.db.aa.tmp").touch()

    mend(place)

    assert [name for name, finding in findings(place).items() if finding.level != "ok"] == []
    assert (place / "jobs.db").stat().st_mode & 0o777 == 0o664
    assert len(json.loads((place / "jobs.json").read_text())) == 10
    assert len(list(place.glob("jobs.json.damaged-*"))) == 1
    assert mend(place).done == []


def test_jobs_that_only_the_view_has_come_into_a_sound_store(place: Path) -> None:
    shown = json.loads((place / "jobs.json").read_text())
    more = {"lost_1": {"status": "completed", "result": 7}, "lost_2": {"status": "running"}}
    (place / "jobs.json").write_text(json.dumps({**shown, **more}))

    mend(place)

    jobs = jobs_of(place)
    assert (jobs["lost_1"].result, jobs["lost_2"].error) == ("7", INTERRUPTED_WORDS)
    assert set(json.loads((place / "jobs.json").read_text())) == set(jobs) == {*shown, *more}


@pytest.mark.parametrize("lock", ["supervisor.lock", "p0123456789abcdef.lock"])
def test_it_is_refused_while_anything_works_there(place: Path, lock: str) -> None:
    overwrite(place / "jobs.db", 6)
    before = tree(place)

    with holding(place / "run" / lock) as pid, pytest.raises(Refused, match=f"kill {pid}") as caught:
        mend(place)

    assert str(place) in caught.value.message
    assert {name: data for name, data in tree(place).items() if ".lock" not in name} == before


HOLD_OPEN = """
import sys
from pathlib import Path
from outlast.storage.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
store.stats()
print("open", flush=True)
sys.stdin.read()
"""


def test_it_is_refused_while_a_program_has_the_store_open(place: Path) -> None:
    command = [sys.executable, "-c", HOLD_OPEN, str(place / "jobs.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        program.stdout.readline()
        overwrite(place / "jobs.db", 6)
        with pytest.raises(Refused, match=f"in use: pid {program.pid}"):
            mend(place)
        program.stdin.close()

    assert kept(place) == []
    assert mend(place).kept is not None


@pytest.mark.parametrize(("kind", "error"), [("foreign", Refused), ("newer", StoreNewer)])
def test_what_is_not_ours_is_never_touched(place: Path, kind: str, error: type[OutlastError]) -> None:
    (place / "jobs.db").unlink()
    BROKEN[kind](place / "jobs.db")
    before = (place / "jobs.db").read_bytes()

    with pytest.raises(error):
        mend(place)

    assert (place / "jobs.db").read_bytes() == before
    assert kept(place) == []


@pytest.mark.parametrize("kind", ["damaged", "zeros", "directory", "pipe", "loop"])
def test_whatever_stands_in_its_place_is_kept_and_the_jobs_come_back(place: Path, kind: str) -> None:
    (place / "jobs.db").unlink()
    BROKEN[kind](place / "jobs.db")

    repaired = mend(place)

    assert set(jobs_of(place)) == {f"job{number}" for number in range(10)}
    assert kept(place) == [repaired.kept]
    assert os.path.lexists(kept(place)[0])


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "empty"])
def test_a_store_that_is_gone_comes_back_from_its_backup(place: Path, content: bytes | None) -> None:
    (place / "jobs.db").unlink()
    (place / "jobs.json").unlink()
    if content is not None:
        (place / "jobs.db").write_bytes(content)

    mend(place)

    assert len(jobs_of(place)) == 10


def test_another_backup_may_be_named(place: Path, tmp_path: Path) -> None:
    shutil.move(place / "backup" / "jobs.db", tmp_path / "elsewhere.db")
    (place / "jobs.json").unlink()
    (place / "jobs.db").write_bytes(b"x" * 10_000)

    mend(place, backup=tmp_path / "elsewhere.db")

    assert len(jobs_of(place)) == 10
    with pytest.raises(Refused, match="is sound"):
        mend(place, backup=tmp_path / "elsewhere.db")
    with pytest.raises(UsageError, match="no file"):
        mend(place, backup=tmp_path / "nothing")


def test_the_backup_of_another_store_adds_its_jobs(place: Path, tmp_path: Path) -> None:
    other = furnished(tmp_path / "other")
    with closing(SqliteStore(other)) as store:
        end(store, running(store, id="of the other"))
    overwrite(place / "jobs.db", 6)

    mend(place, backup=other)

    assert set(jobs_of(place)) == {"of the other", *(f"job{number}" for number in range(10))}


def test_an_old_store_is_repaired_into_one_of_today(tmp_path: Path) -> None:
    path = unpack("schema-1/jobs.db.gz", tmp_path / "jobs.db")
    overwrite(path, 20, 21)

    mend(tmp_path)

    jobs = jobs_of(tmp_path)
    assert len(jobs) > 15
    assert findings(tmp_path)["store"].level == "ok"


def test_where_nothing_is_left_an_empty_store_begins_and_it_is_said(place: Path) -> None:
    shutil.rmtree(place / "backup")
    (place / "jobs.json").unlink()
    (place / "jobs.db").write_bytes(b"x" * 10_000)

    repaired = mend(place)

    assert jobs_of(place) == {}
    assert any("holds 0 jobs" in line for line in repaired.done)
    assert kept(place)[0].read_bytes() == b"x" * 10_000


def test_two_repairs_keep_both_damaged_stores(place: Path) -> None:
    for content in (b"x" * 10_000, b"y" * 10_000):
        (place / "jobs.db").write_bytes(content)
        mend(place)

    assert sorted(path.read_bytes()[:1] for path in kept(place)) == [b"x", b"y"]


def test_a_store_behind_a_link_is_repaired_where_it_lies(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.move(place / "jobs.db", tmp_path / "elsewhere" / "jobs.db")
    (place / "jobs.db").symlink_to(tmp_path / "elsewhere" / "jobs.db")
    overwrite(tmp_path / "elsewhere" / "jobs.db", 6)

    mend(place)

    assert (place / "jobs.db").is_symlink()
    assert len(jobs_of(place)) == 10
    assert kept(place) == []
    assert len(list((tmp_path / "elsewhere").glob("jobs.db.damaged-*"))) == 1


def test_the_new_store_has_the_mode_of_the_old_one(place: Path) -> None:
    (place / "jobs.db").chmod(0o600)
    overwrite(place / "jobs.db", 6)

    mend(place)

    assert (place / "jobs.db").stat().st_mode & 0o777 == 0o600


def test_a_copy_made_before_is_a_copy_of_the_new_store_too(place: Path) -> None:
    overwrite(place / "jobs.db", 6)
    mend(place)

    for _ in copy_store(place / "jobs.db", place / "backup" / "jobs.db"):
        pass

    assert os.listdir(place / "backup") == ["jobs.db"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 3 MB."""
    if os.getuid() != 0:
        pytest.skip("needs root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_without_room_nothing_is_changed(small_disk: Path) -> None:
    place = small_disk / "jobs"
    furnished(place)
    overwrite(place / "jobs.db", 6)
    (place / "run" / "supervisor.lock").touch()
    (place / "filler").write_bytes(b"x" * (os.statvfs(place).f_bavail * 4096 - 40_000))
    before = tree(place)

    with pytest.raises(StoreFull, match=r"jobs\.db"):
        mend(place)

    assert tree(place) == before
    (place / "filler").unlink()
    assert len(jobs_after(mend(place), place)) == 10


def jobs_after(repaired: Repaired, place: Path) -> dict[str, Job]:
    assert repaired.kept is not None
    return jobs_of(place)


def test_every_column_of_a_job_is_kept_or_named_as_not_kept(tmp_path: Path) -> None:
    given_anew = {"seq", "error_group", "result", "args"}
    of_one_process = {"process_id", "intent", "intent_actor", "gauge", "reaches"}
    with closing(SqliteStore(tmp_path / "jobs.db")) as store:
        submitted(store)
        columns = {name for (name,) in store.database.execute("SELECT name FROM pragma_table_info('jobs')")}

    assert columns == {*JOB_COLUMNS} | given_anew | of_one_process
