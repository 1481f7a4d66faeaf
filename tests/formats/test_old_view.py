"""A jobs.json of the old system is taken over at the first start: ends as they were, the rest interrupted."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlast.core.job import Job
from outlast.core.query import Query
from outlast.core.status import Reason, Status
from outlast.core.view import job_object
from outlast.storage.imports import imported_jobs
from outlast.storage.sqlite import SqliteStore
from outlast.storage.view_file import ViewFile, import_view
from tests.contract.making import Clock, new_job

OLD_FILE = Path(__file__).with_name("old") / "jobs.json"
NOW = 1_767_225_600_000
"""2026-01-01T00:00:00Z: a year after the old file."""
NOW_ISO = "2026-01-01T00:00:00.000Z"
ENDS = {"completed", "failed", "cancelled"}
ALWAYS = {"job_id", "status", "kind", "created_at", "started_at", "updated_at", "attempts"}


@pytest.fixture
def old() -> dict[str, Any]:
    objects: dict[str, Any] = json.loads(OLD_FILE.read_text(encoding="utf-8"))
    return objects


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    """Return a store that has begun beside the old file."""
    shutil.copy(OLD_FILE, tmp_path / "jobs.json")
    store = SqliteStore(tmp_path / "jobs.db", clock=Clock(NOW))
    import_view(store, tmp_path / "jobs.json")
    return store


def jobs_of(store: SqliteStore) -> dict[str, Job]:
    return {job.id: job for job in store.page(Query(), before=None, limit=99).jobs}


def text(value: object) -> str:
    """Return JSON in which 1, 1.0 and true, and the two zeros, differ."""
    return json.dumps(value, sort_keys=True)


def test_every_job_of_the_file_is_there(store: SqliteStore, old: dict[str, Any]) -> None:
    assert set(jobs_of(store)) == set(old)


def test_every_field_of_an_ended_job_is_shown_as_it_stood_there(store: SqliteStore, old: dict[str, Any]) -> None:
    for job_id, job in jobs_of(store).items():
        if old[job_id]["status"] in ENDS:
            shown = job_object(job)
            assert {name: text(shown[name]) for name in old[job_id]} == {
                name: text(value) for name, value in old[job_id].items()
            }
            assert set(shown) - set(old[job_id]) <= ALWAYS | {"completed_at"}


def test_what_an_old_job_did_not_tell_is_derived(store: SqliteStore) -> None:
    jobs = jobs_of(store)
    pow_job = job_object(jobs["pow_1735732800000_9f2c41d07ab35e68"])
    assert (pow_job["kind"], pow_job["attempts"]) == ("pow", 1)
    assert (pow_job["created_at"], pow_job["updated_at"]) == ("2025-01-01T12:00:00.000Z", "2025-01-01T12:05:30.000Z")

    other = job_object(jobs["a name of another form"])
    assert (other["kind"], other["attempts"], other["created_at"]) == ("imported", 0, NOW_ISO)
    assert other["completed_at"] == NOW_ISO


@pytest.mark.parametrize("number", [6, 7, 8])
def test_what_had_not_ended_was_interrupted(store: SqliteStore, number: int) -> None:
    job = jobs_of(store)[f"pow_1735733{number - 2}00000_{number:016x}"]

    shown = job_object(job)

    assert (shown["status"], shown["reason"]) == ("failed", "interrupted")
    assert shown["error"] == "Job was interrupted by system shutdown"
    assert shown["completed_at"] == NOW_ISO
    assert "waiting_info" not in shown
    assert "difficulty_info" not in shown


def test_other_fields_of_an_interrupted_job_are_kept(store: SqliteStore) -> None:
    shown = job_object(jobs_of(store)["pow_1735733400000_0000000000000006"])

    assert shown["player_id"] == "1-42"
    assert shown["started_at"] == "2025-01-01T12:10:00.000Z"


def test_columns_are_filled_so_that_jobs_are_found(store: SqliteStore) -> None:
    jobs = jobs_of(store)
    named = jobs["a name of another form"]

    assert store.find("the key", 5) == [named]
    assert (named.account, named.labels) == ("alice", {"env": "prod"})
    assert jobs["pow_1735733100000_0000000000000003"].status is Status.FAILED
    assert jobs["pow_1735733400000_0000000000000006"].reason is Reason.INTERRUPTED
    assert store.stats().by_status[Status.COMPLETED] == 4


def test_the_key_of_an_imported_job_is_known(store: SqliteStore) -> None:
    from outlast.core.errors import KeyConflict

    with pytest.raises(KeyConflict, match="a name of another form"):
        store.submit([new_job(key="the key")])


def test_an_imported_job_has_nothing_that_could_run_it(store: SqliteStore) -> None:
    assert {job.spec.target for job in jobs_of(store).values()} == {""}


def test_imported_jobs_are_listed_by_their_time_before_later_ones(store: SqliteStore) -> None:
    new = new_job()
    store.submit([new])

    jobs = store.page(Query(), before=None, limit=99).jobs

    assert jobs[0].id == new.id
    assert [job.created_at for job in jobs] == sorted((job.created_at for job in jobs), reverse=True)


def test_imported_jobs_can_be_pruned_by_their_age(store: SqliteStore) -> None:
    gone = store.prune(older_than_seconds=3600, limit=99)

    assert len(gone) == 6


def test_the_published_file_shows_them_as_the_old_one_did(
    store: SqliteStore, old: dict[str, Any], tmp_path: Path
) -> None:
    ViewFile(store, tmp_path / "jobs.json").write()

    written = json.loads((tmp_path / "jobs.json").read_text(encoding="utf-8"))
    for job_id, fields in old.items():
        if fields["status"] in ENDS:
            assert {name: text(written[job_id][name]) for name in fields} == {
                name: text(value) for name, value in fields.items()
            }


def test_the_file_is_taken_over_once(store: SqliteStore, tmp_path: Path) -> None:
    job = jobs_of(store)["pow_1735732800000_9f2c41d07ab35e68"]
    store.remove(job, "me")
    store.close()

    again = SqliteStore(tmp_path / "jobs.db")
    import_view(again, tmp_path / "jobs.json")

    assert again.get(job.id) is None


def test_a_store_without_an_old_file_begins_empty(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.db")
    import_view(store, tmp_path / "jobs.json")

    assert jobs_of(store) == {}


def test_two_jobs_with_one_key_are_both_shown_with_it(tmp_path: Path) -> None:
    old = {name: {"status": "completed", "key": "k"} for name in ("a", "b")}
    (tmp_path / "jobs.json").write_text(json.dumps(old))
    store = SqliteStore(tmp_path / "jobs.db")
    import_view(store, tmp_path / "jobs.json")

    assert [job_object(job)["key"] for job in jobs_of(store).values()] == ["k", "k"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("kind", "created_at", "started_at", "updated_at", "completed_at", "attempts", "error", "reason", "result"),
        *("key", "account", "labels", "queue", "priority", "tries", "crashes", "progress", "waiting_info", "wake_at"),
        *("extra", "job", "é"),
    ]
)
LIKELY = st.sampled_from(["2025-01-01T12:00:00.000Z", "9999-12-31T23:59:59Z", "error", "user", "x", 1, -1, 2**70])
FIELDS = st.dictionaries(NAMES, JSON | LIKELY, max_size=8)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FIELDS, status=st.sampled_from(sorted(ENDS)), job_id=st.text(max_size=20))
def test_whatever_an_ended_job_holds_is_shown_again(
    tmp_path: Path, fields: dict[str, Any], status: str, job_id: str
) -> None:
    fields = {**fields, "status": status}
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps({job_id: fields}))
    (tmp_path / "jobs.db").unlink(missing_ok=True)
    store = SqliteStore(tmp_path / "jobs.db", clock=Clock(NOW))
    import_view(store, path)
    try:
        [job] = store.page(Query(), before=None, limit=9).jobs
        ViewFile(store, path).write()
    finally:
        store.close()

    shown = job_object(job)
    written = json.loads(path.read_text(encoding="utf-8"))[job.id]
    assert {name: text(shown[name]) for name in fields} == {name: text(value) for name, value in fields.items()}
    assert text(written) == text(shown)


@given(value=JSON | FIELDS | st.fixed_dictionaries({"status": JSON | st.sampled_from(["running", "waiting", "x"])}))
def test_anything_else_becomes_an_interrupted_job(value: Any) -> None:
    [job] = imported_jobs({"x": value}, NOW)

    shown = job_object(job)

    if not (isinstance(value, dict) and value.get("status") in sorted(ENDS)):
        assert (shown["status"], shown["error"]) == ("failed", "Job was interrupted by system shutdown")
        assert (shown["reason"], shown["completed_at"]) == ("interrupted", NOW_ISO)
