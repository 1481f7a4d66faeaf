"""The export format: complete, read back the same, and refused as a whole when anything in it is wrong."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlast.core.errors import OutlastError, StoreDamaged, UsageError
from outlast.core.moments import to_iso
from outlast.core.policies import INTERRUPTED_WORDS
from outlast.core.query import Query
from outlast.core.status import Reason, Status
from outlast.storage.exchange import exporting
from outlast.storage.exchange.exporting import Export
from outlast.storage.exchange.importing import Imported, Wishes, import_file
from outlast.storage.exchange.lines import JOB, LEFT_OUT, LINES
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import NOON, ended, new_job, running, step, stored, submitted
from tests.formats.furnish import furnish, seen
from tests.formats.past import history_lines


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """Return a store with every kind of job."""
    path = tmp_path_factory.mktemp("full") / "jobs.db"
    furnish(path)
    with closing(SqliteStore(path)) as store:
        yield store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "jobs.db")) as store:
        yield store


def exported(store: SqliteStore) -> bytes:
    return b"".join(Export(store.database, program="0.1.0").pieces(NOON))


def lines_of(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw.splitlines()]


def raw_of(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def take_in(store: SqliteStore, raw: bytes, **wishes: bool) -> Imported:
    return import_file(store.database, io.BytesIO(raw), "it.jsonl", Wishes(**wishes), store.now())


def ids(store: SqliteStore) -> list[str]:
    return [job.id for job in store.page(Query(), before=None, limit=9999).jobs]


def test_every_column_is_exported_or_named_as_left_out(full: SqliteStore) -> None:
    of_other_tables = {"args", "result", "cursor", "partial", "traceback"}
    exported_columns = {line.table: {field.place for field in line.fields} for line in LINES.values()}
    for (table,) in full.database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_stat1'"
    ):
        columns = {name for (name,) in full.database.execute("SELECT name FROM pragma_table_info(?)", (table,))}
        left_out = LEFT_OUT.get(table, frozenset())
        told = exported_columns.get(table, of_other_tables) | left_out
        assert "*" in left_out or columns <= told, f"{table}: export or leave out {columns - told}"


def test_ended_jobs_come_back_as_they_were_and_a_second_time_nothing_changes(
    full: SqliteStore, store: SqliteStore
) -> None:
    raw = exported(full)

    first, second = take_in(store, raw), take_in(store, raw)

    assert (first.added, first.known) == (len(ids(full)), 0)
    assert (second.added, second.known, second.history) == (0, len(ids(full)), 0)
    assert ids(store) == ids(full)
    again = {each["job_id"]: each for each in lines_of(exported(store)) if each["type"] == "job"}
    for each in lines_of(raw):
        if each["type"] == "job" and each["status"] in ("completed", "failed", "cancelled"):
            each.pop("read_at", None)
            assert again[each["job_id"]] == each
    assert store.check() == []


def test_steps_events_and_history_come_with_their_job(full: SqliteStore, store: SqliteStore) -> None:
    take_in(store, exported(full))

    before = {each["job"]["job_id"]: each for each in seen(full)}
    for after in seen(store):
        was = before[after["job"]["job_id"]]
        assert [name for name, *_ in after["steps"]] == [name for name, *_ in was["steps"]]
        assert after["events"][: len(was["events"])] == was["events"]
        assert [word for word, *_ in after["events"][len(was["events"]) :]] in ([], ["interrupted"])
    assert history_lines(store) == history_lines(full) != []


def test_unfinished_jobs_have_been_interrupted_and_can_be_retried_from_their_steps(
    full: SqliteStore, store: SqliteStore
) -> None:
    unfinished = [job.id for job in full.page(Query(), before=None, limit=999).jobs if not job.status.is_end]

    imported = take_in(store, exported(full))

    assert imported.unfinished == len(unfinished) > 5
    for job_id in unfinished:
        job = stored(store, job_id)
        assert (job.status, job.reason, job.error) == (Status.FAILED, Reason.INTERRUPTED, INTERRUPTED_WORDS)
        assert job.completed_at is not None
        assert (job.wake_at, job.waiting_info, job.intent, job.gauge) == (None, None, None, None)
        assert len(store.steps(job_id, after=0, limit=99)) == len(full.steps(job_id, after=0, limit=99))


def test_with_resume_unfinished_jobs_go_on(full: SqliteStore, store: SqliteStore) -> None:
    take_in(store, exported(full), resume=True)

    jobs = {job.id: job for job in store.page(Query(), before=None, limit=999).jobs}
    for was in full.page(Query(), before=None, limit=999).jobs:
        job = jobs[was.id]
        if was.status is Status.RUNNING or was.reason is Reason.CONDITION:
            assert (job.status, job.reason, job.wake_at) == (Status.QUEUED, None, None)
        else:
            assert (job.status, job.reason, job.wake_at, job.error) == (was.status, was.reason, was.wake_at, was.error)
    assert store.check() == []


def test_kept_jobs_are_left_alone_by_retention(full: SqliteStore, store: SqliteStore) -> None:
    take_in(store, exported(full), keep=True)

    assert store.prune(older_than_seconds=-1, limit=999) == []


def test_the_end_of_an_imported_job_is_unread(full: SqliteStore, store: SqliteStore) -> None:
    take_in(store, exported(full))

    assert store.prune(older_than_seconds=-1, read=True, limit=999) == []


def test_a_key_that_another_job_has_stays_with_that_one(store: SqliteStore, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "other.db")) as other:
        job = ended(other, key="the key")
        raw = exported(other)
    mine = submitted(store, key="the key")

    imported = take_in(store, raw)

    assert imported.keys_taken == 1
    assert store.find("the key", 5) == [mine]
    assert stored(store, job.id).extra == {"key": "the key"}


def test_the_key_of_an_imported_job_is_known(store: SqliteStore, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "other.db")) as other:
        job = ended(other, key="the key")
        raw = exported(other)
    take_in(store, raw)

    [answer] = store.submit([new_job(key="the key")])

    assert (answer.job_id, answer.created) == (job.id, False)


def test_imported_jobs_stand_in_the_order_of_their_time(store: SqliteStore, tmp_path: Path) -> None:
    at = [NOON]
    with closing(SqliteStore(tmp_path / "other.db", clock=lambda: at[0])) as other:
        old = other.submit([new_job() for _ in range(5)])
        raw = exported(other)
    newer = submitted(store)

    take_in(store, raw)

    assert ids(store) == [newer.id, *(answer.job_id for answer in reversed(old))]


def test_a_store_may_hold_the_same_places_already(store: SqliteStore, tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / name, clock=lambda: NOON) for name in ("one.db", "two.db")]
    for each in stores:
        each.submit([new_job() for _ in range(2_000)])
        take_in(store, exported(each))
        each.close()

    assert len(ids(store)) == 4_000


def test_a_job_of_the_future_does_not_draw_later_ones_there(store: SqliteStore, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "other.db", clock=lambda: NOON * 100)) as other:
        ended(other)
        raw = exported(other)

    take_in(store, raw)

    assert submitted(store).seq < NOON * 10 * 1024


def test_a_job_with_more_steps_than_memory_likes_is_read_by_itself(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(exporting, "_MOST_BELONGINGS", 10)
    for _ in range(3):
        job = running(store)
        for number in range(8):
            store.save_step(job.claim, step(f"s{number}"))

    pieces = list(Export(store.database, program="0").pieces(NOON))

    assert len(pieces) == 5
    with closing(SqliteStore(tmp_path / "other.db")) as other:
        assert take_in(other, b"".join(pieces)).added == 3


def test_an_export_of_a_damaged_store_says_so(store: SqliteStore) -> None:
    ended(store)
    store.database.change("UPDATE jobs SET result = '{broken'")

    with pytest.raises(StoreDamaged, match=r"jobs\.db is damaged: malformed JSON"):
        exported(store)


def test_times_are_written_as_everywhere_else(store: SqliteStore) -> None:
    job = ended(store)
    for moment in (0, 1, 999, NOON + 1, -1, -62_135_596_800_000, 253_402_300_799_999):
        store.database.change("UPDATE jobs SET started_at = ?", (moment,))
        [shown] = [each for each in lines_of(exported(store)) if each["type"] == "job"]
        assert shown["started_at"] == to_iso(moment)
    assert shown["job_id"] == job.id


Change = Callable[[list[dict[str, Any]]], object]


def put(of_type: str, **fields: Any) -> Change:
    def change(lines: list[dict[str, Any]]) -> None:
        next(line for line in lines if line["type"] == of_type).update(fields)

    return change


WRONG: dict[str, Change] = {
    "no end": lambda lines: lines.pop(),
    "a missing job": lambda lines: lines.remove(next(line for line in lines if line["type"] == "job")),
    "after the end": lambda lines: lines.append(lines[1]),
    "no header": lambda lines: lines.insert(0, lines[1]),
    "two headers": lambda lines: lines.insert(2, lines[0]),
    "a later version": put("outlast-export", version=2),
    "version true": put("outlast-export", version=True),
    "unknown type": put("job", type="x"),
    "unhashable type": put("job", type=[1]),
    "unknown spec": put("job", spec=99),
    "a number as id": put("job", job_id=7),
    "an unknown status": put("job", status="sleeping"),
    "a wrong reason": put("job", reason="user"),
    "a time that is none": put("job", created_at="soon"),
    "a time after the last": put("job", created_at="99999-01-01T00:00:00Z"),
    "an end without its time": put("job", status="completed", reason=None, completed_at=None),
    "another kind": put("job", kind="other"),
    "a huge number": put("job", priority=2**63),
    "a negative count": put("job", attempts=-1),
    "a fraction": put("job", tries=1.5),
    "labels of numbers": put("job", labels={"a": 1}),
    "a list of labels": put("job", labels=[]),
    "progress with more": put("job", progress={"updated_at": "2025-01-01", "x": 1}),
    "deep arguments": put("job", args=json.loads("[" * 500 + "]" * 500)),
    "a lone surrogate": put("job", error="\ud800"),
    "a step twice": lambda lines: _double_a_step(lines),
    "a step of no job": lambda lines: lines.insert(1, next(line for line in lines if line["type"] == "step")),
    "an unknown kind of step": put("step", kind="jump"),
    "a step without a result": lambda lines: next(line for line in lines if line["type"] == "step").pop("result"),
    "a wrong target": put("spec", target=None),
    "a wrong kind": put("spec", kind="a b"),
    "a wrong policy": put("spec", policy={"max_attempts": "many"}),
    "an eternal policy": put("spec", policy={"timeout_seconds": 1e300}),
    "a wrong backoff": put("spec", policy={"backoff": [5, 1]}),
    "a wrong home": put("spec", home={"interpreter": "x", "path": [1], "cwd": "/", "env": {}}),
    "no home": put("spec", home=None),
    "history of a job that has not ended": put("history", status="running"),
    "history without an end": put("history", completed_at=None),
    "a fingerprint": put("history", fingerprint="xyz"),
    "counts": put("end", job=5),
}


def _double_a_step(lines: list[dict[str, Any]]) -> None:
    place = next(number for number, line in enumerate(lines) if line["type"] == "step")
    lines.insert(place, lines[place])


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_wrong_anywhere_is_refused_as_a_whole(full: SqliteStore, store: SqliteStore, name: str) -> None:
    lines = lines_of(exported(full))
    WRONG[name](lines)

    with pytest.raises(UsageError, match=r"it\.jsonl") as caught:
        take_in(store, raw_of(lines))

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "Nothing was imported" in str(caught.value)
    assert ids(store) == []


HOSTILE = {
    "empty": b"",
    "zeros": bytes(4096),
    "list": b"[]",
    "null": b"null",
    "number": b"1e999",
    "NaN": b'{"a": NaN}',
    "5,000 digits": b'{"a": ' + b"1" * 5_000 + b"}",
    "nested": b"[" * 100_000,
    "UTF-16": '{"a": {"status": "failed"}}'.encode("utf-16"),
    "bad UTF-8": b'{"a": "\xff"}',
    "other JSON": b'{"name": "package", "version": "1"}',
    "no status": b'{"a": {"status": 7}}',
    "only a header": b'{"type":"outlast-export","version":1}\n',
    "a header and rubbish": b'{"type":"outlast-export","version":1}\nrubbish\n',
    "a header and zeros": b'{"type":"outlast-export","version":1}\n' + bytes(100),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_export_and_no_view_is_refused_in_one_line(store: SqliteStore, name: str) -> None:
    with pytest.raises(UsageError, match=r"it\.jsonl") as caught:
        take_in(store, HOSTILE[name])

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert ids(store) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 0.999), bit=st.integers(0, 7), cut=st.booleans())
def test_a_flipped_bit_or_a_cut_does_no_harm(
    full: SqliteStore, tmp_path: Path, place: float, bit: int, *, cut: bool
) -> None:
    raw = bytearray(exported(full))
    position = int(place * len(raw))
    if cut:
        raw = raw[:position]
    else:
        raw[position] ^= 1 << bit
    (tmp_path / "jobs.db").unlink(missing_ok=True)
    with closing(SqliteStore(tmp_path / "jobs.db")) as store:
        said = refusal(store, bytes(raw))
        # One of two ids that are alike may have become the other.
        assert len(ids(store)) in ([0] if said else [len(ids(full)), len(ids(full)) - 1])
        assert "it.jsonl" in (said or "it.jsonl")
        assert store.check() == []


def refusal(store: SqliteStore, raw: bytes) -> str:
    """Return how a file is refused, nothing if it is not."""
    try:
        take_in(store, raw)
    except OutlastError as error:
        return str(error)
    return ""


def test_an_old_jobs_json_is_taken_in_and_known_jobs_stay(store: SqliteStore) -> None:
    view = {
        "old_1735732800000_9f2c41d07ab35e68": {"status": "completed", "result": {"n": 1}},
        "old_1735732800001_9f2c41d07ab35e69": {"status": "running"},
        "odd": {"status": "no such", "x": [1]},
    }
    raw = json.dumps(view, indent=2).encode()

    first, second = take_in(store, raw), take_in(store, raw)

    assert (first.added, first.known, first.unfinished) == (3, 0, 2)
    assert (second.added, second.known) == (0, 3)
    assert stored(store, "odd").error == INTERRUPTED_WORDS


def test_what_a_later_program_adds_to_a_line_is_left_out(full: SqliteStore, store: SqliteStore) -> None:
    lines = [{**line, "of_a_later_program": {"x": 1}} for line in lines_of(exported(full))]
    lines[-1].pop("of_a_later_program")

    assert take_in(store, raw_of(lines)).added == len(ids(full))


def test_the_lines_name_no_field_twice() -> None:
    for line in LINES.values():
        assert len({field.name for field in line.fields}) == len({field.place for field in line.fields})
    assert JOB.table == "jobs"
