"""The doctor: each check finds what it is for, all of them make and change nothing, and none falls over."""

import json
import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from outlast.core.findings import Level, exit_code, worst
from outlast.storage.sqlite import SqliteStore
from outlast.upkeep import of_store
from outlast.upkeep.doctor import CHECKS
from tests.contract.making import submitted
from tests.upkeep.places import BROKEN, change, findings, furnished, holding, overwrite, tree

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a data directory that is well."""
    furnished(tmp_path / "jobs")
    return tmp_path / "jobs"


def test_a_sound_directory_has_nothing_to_find(place: Path) -> None:
    found = findings(place)

    assert list(found) == list(CHECKS)
    assert [finding for finding in found.values() if finding.level is not OK] == []
    assert exit_code(list(found.values())) == 0
    assert "10 jobs" in found["store"].says


def test_every_finding_is_a_sentence_that_names_its_mend(place: Path) -> None:
    overwrite(place / "jobs.db", 6)
    (place / "jobs.json").write_text("[")
    for finding in findings(place, {}).values():
        assert (
            finding.says[0].isupper() or finding.says[0] in "/0123456789" or finding.name in ("versions", "jobs.json")
        )
        assert finding.says.endswith(".")
        assert bool(finding.fix) == (finding.level is not OK), finding
        assert "\n" not in finding.says + finding.fix


def test_without_a_directory_all_is_well_and_none_is_made(tmp_path: Path) -> None:
    found = findings(tmp_path / "nowhere")

    assert worst(list(found.values())) is OK
    assert os.listdir(tmp_path) == []


def test_looking_changes_nothing(place: Path) -> None:
    before = tree(place)

    findings(place)

    assert tree(place) == before


@pytest.mark.parametrize("kind", BROKEN)
def test_a_store_that_cannot_be_used_is_told_and_left_as_it_is(place: Path, kind: str) -> None:
    path = place / "jobs.db"
    path.unlink()
    BROKEN[kind](path)
    before = tree(place)

    found = findings(place)

    assert found["store"].level is PROBLEM
    assert str(path) in found["store"].says
    assert exit_code(list(found.values())) == 2
    assert tree(place) == before


def test_a_store_that_died_in_use_is_looked_at_with_all_that_was_committed(place: Path) -> None:
    if os.fork() == 0:
        store = SqliteStore(place / "jobs.db")
        submitted(store, id="later")
        os._exit(0)
    os.wait()
    before = tree(place)

    found = findings(place)

    assert found["store"].level is OK
    assert "11 jobs" in found["store"].says
    # The WAL may have been moved into the file, as any command would do it.
    assert set(tree(place)) <= set(before)
    with closing(SqliteStore(place / "jobs.db")) as store:
        assert store.get("later") is not None


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "missing"])
def test_a_store_that_is_gone_while_there_is_a_copy_is_a_problem(place: Path, content: bytes | None) -> None:
    (place / "jobs.db").unlink()
    if content is not None:
        (place / "jobs.db").write_bytes(content)

    found = findings(place)

    assert found["store"].level is PROBLEM
    assert "--repair" in found["store"].fix


ROWS = {
    "status": "UPDATE jobs SET status = 'sleeping' WHERE id = 'job3'",
    "reason": "UPDATE jobs SET reason = 'error' WHERE id = 'job3'",
    "end": "UPDATE jobs SET completed_at = NULL WHERE id = 'job3'",
    "spec": "UPDATE jobs SET spec_id = 99 WHERE id = 'job3'",
    "time": "UPDATE jobs SET started_at = 9000000000000000 WHERE id = 'job3'",
    "json": "UPDATE jobs SET result = '{' WHERE id = 'job3'",
    "text": "UPDATE jobs SET error = CAST(x'ff' AS TEXT) WHERE id = 'job3'",
    "step": "UPDATE steps SET result = 'x' WHERE n = 1",
    "orphan": "INSERT INTO checkpoints (seq, cursor) VALUES (7, '1')",
    "body": "UPDATE specs SET body = '{}'",
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_that_cannot_be_right_is_damage(place: Path, kind: str) -> None:
    change(place / "jobs.db", ROWS[kind])

    found = findings(place)["store"]

    assert (found.level, found.unusable, found.mendable) == (PROBLEM, True, True)


def test_a_damaged_page_is_damage(place: Path) -> None:
    overwrite(place / "jobs.db", 6, 7)

    assert findings(place)["store"].unusable


def test_an_older_store_is_sound_and_not_migrated(tmp_path: Path) -> None:
    from tests.formats.test_stored import unpack

    unpack("schema-1/jobs.db.gz", tmp_path / "jobs.db")
    before = (tmp_path / "jobs.db").read_bytes()

    found = findings(tmp_path)

    assert "schema 1" in found["store"].says
    assert (tmp_path / "jobs.db").read_bytes() == before


def test_an_unsafe_library_is_a_problem(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_store, "_SAFE_SQLITE", (99, 0, 0))

    assert findings(place)["versions"].level is PROBLEM


@pytest.mark.parametrize("content", ["[", "", "[]", "null", '{"a": NaN}', "\udcff"], ids=range(6))
def test_a_damaged_view_is_told_and_left_as_it_is(place: Path, content: str) -> None:
    raw = content.encode("utf-8", "surrogateescape")
    (place / "jobs.json").write_bytes(raw)

    found = findings(place)["jobs.json"]

    assert (found.level, found.mendable) == (WARNING, True)
    assert (place / "jobs.json").read_bytes() == raw


def test_a_view_that_is_missing_or_behind_is_told(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        submitted(store)
    assert "behind the store in 1 job" in findings(place)["jobs.json"].says

    (place / "jobs.json").unlink()

    assert "missing" in findings(place)["jobs.json"].says


def test_jobs_that_only_the_view_has_are_told(place: Path) -> None:
    shown = json.loads((place / "jobs.json").read_text())
    (place / "jobs.json").write_text(json.dumps({**shown, "lost_1": {"status": "completed"}}))

    found = findings(place)["jobs.json"]

    assert found.level is WARNING
    assert "1 job that the store does not have: lost_1" in found.says


def test_a_removed_job_is_not_taken_for_a_lost_one(place: Path) -> None:
    with closing(SqliteStore(place / "jobs.db")) as store:
        job = store.get("job3")
        assert job is not None
        store.remove(job, "me")

    assert "not have" not in findings(place)["jobs.json"].says


def test_a_damaged_backup_is_told(place: Path) -> None:
    overwrite(place / "backup" / "jobs.db", 6)

    assert findings(place)["backup"].level is WARNING


def test_an_old_backup_of_a_store_that_changes_is_told(place: Path) -> None:
    os.utime(place / "backup" / "jobs.db", (1, 1))
    assert findings(place)["backup"].level is OK  # nobody is there to make one

    with holding(place / "run" / "supervisor.lock"):
        assert findings(place)["backup"].level is WARNING


def test_a_change_of_the_future_is_told(place: Path) -> None:
    change(place / "jobs.db", f"UPDATE jobs SET updated_at = {round(time.time() * 1000) + 3_600_000} WHERE id = 'job1'")

    found = findings(place)["clock"]

    assert found.level is WARNING
    assert "1h ahead" in found.says or "59m" in found.says
