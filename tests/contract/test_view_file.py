"""jobs.json: what the store publishes, and what it does when the file is not what it should be."""

import errno
import json
import logging
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from outlast.core.job import Checkpoint, Event, Job, Progress
from outlast.core.query import Query
from outlast.core.status import Reason, Status
from outlast.core.view import job_object
from outlast.durable import new_file_beside
from outlast.storage import view_file
from outlast.storage.sqlite import SqliteStore
from outlast.storage.view_file import ViewFile
from tests.contract.making import Clock, end, ended, new_job, parked, requeued, running, stored, submitted


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> SqliteStore:
    return SqliteStore(tmp_path / "jobs.db", clock=clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.json"


def read(path: Path) -> dict[str, Any]:
    objects: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return objects


def complete(store: SqliteStore, result: str) -> Job:
    job = running(store)
    store.swap(job, job._replace(status=Status.COMPLETED), Event(event="completed"), result=result)
    return stored(store, job.id)


def test_every_job_is_published_as_it_is_shown_newest_first(store: SqliteStore, path: Path, clock: Clock) -> None:
    ended(store, key="k", labels={"env": "é😀"}, account="alice")
    ended(store, Status.FAILED)
    ended(store, Status.CANCELLED)
    complete(store, "null")
    clock.move(1)
    preview = running(store)
    store.save_checkpoint(preview.claim, Checkpoint(partial='{"best":1}', progress=Progress(done=1, total=2)))
    store.save_checkpoint(preview.claim, Checkpoint(extra={"difficulty_info": {"n": 1.5}}))
    waiting = running(store)
    parked_job = parked(waiting, Reason.CONDITION, None)._replace(waiting_info={"n": 1})
    store.swap(waiting, parked_job, Event(event="waiting"))
    submitted(store, delay_seconds=5.0, priority=3, queue="slow")

    ViewFile(store, path).write()

    jobs = store.page(Query(), before=None, limit=99).jobs
    assert read(path) == {job.id: job_object(job) for job in jobs}
    assert list(read(path)) == [job.id for job in jobs]


def test_an_empty_store_is_an_empty_object(store: SqliteStore, path: Path) -> None:
    ViewFile(store, path).write()

    assert read(path) == {}


def test_what_changed_since_the_last_write_is_written_anew(store: SqliteStore, path: Path, clock: Clock) -> None:
    view = ViewFile(store, path)
    failed, gone, unfinished = ended(store, Status.FAILED), ended(store), running(store)
    view.write()

    store.swap(failed, requeued(failed), Event(event="retried"))
    end(store, store.claim(stored(store, failed.id), "process-2"))
    store.remove(gone, "me")
    end(store, unfinished, Status.CANCELLED)
    new = submitted(store)
    view.write()

    expected = [stored(store, job.id) for job in (failed, unfinished, new)]
    assert read(path) == {job.id: job_object(job) for job in expected}


def test_what_changes_while_the_file_is_made_is_in_it_or_in_the_next_one(store: SqliteStore, path: Path) -> None:
    jobs = [ended(store, Status.FAILED) for _ in range(3 * view_file._PIECE)]
    view = ViewFile(store, path)
    pieces = view.rewriting()
    next(pieces)
    store.remove(jobs[0], "me")
    store.swap(jobs[-1], requeued(jobs[-1]), Event(event="retried"))
    new = submitted(store)
    for _ in pieces:
        assert not path.exists()

    assert read(path) == {job.id: job_object(job) for job in jobs[1:]}

    view.write()
    retried = stored(store, jobs[-1].id)
    assert read(path) == {job.id: job_object(job) for job in (*jobs[1:-1], retried, new)}


@pytest.mark.parametrize("size", [view_file._MOST_REMEMBERED_BYTES, 65_536 - 2, 65_536 - 1])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_large_result_is_told_by_size_and_digest(store: SqliteStore, path: Path, size: int, letter: str) -> None:
    result = json.dumps(letter * (size // len(letter.encode())), ensure_ascii=False)
    job = complete(store, result)

    ViewFile(store, path).write()

    shown = read(path)[job.id]["result"]
    if len(result.encode()) <= 65_536:
        assert shown == json.loads(result)
    else:
        assert shown == {
            "bytes": len(result.encode()),
            "sha256": sha256(result.encode()).hexdigest(),
            "read_with": f"outlast show {job.id} --json",
        }
    assert stored(store, job.id).result == result


def test_a_large_preview_is_told_by_size_and_digest(store: SqliteStore, path: Path) -> None:
    job = running(store)
    preview = json.dumps("x" * 70_000)
    store.save_checkpoint(job.claim, Checkpoint(partial=preview))

    ViewFile(store, path).write()

    assert read(path)[job.id]["result"]["bytes"] == len(preview)
    assert read(path)[job.id]["result"]["sha256"] == sha256(preview.encode()).hexdigest()


def test_at_most_the_newest_ten_thousand_are_published_which_is_said_once(
    store: SqliteStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "outlast")
    jobs = [new_job() for _ in range(view_file.MOST_JOBS + 5)]
    store.submit(jobs)
    view = ViewFile(store, path)
    view.write()
    view.write()

    assert list(read(path)) == [job.id for job in reversed(jobs[5:])]
    assert caplog.text.count("10,000") == 1


def test_the_file_keeps_its_mode(store: SqliteStore, path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o640)

    ViewFile(store, path).write()

    assert path.stat().st_mode & 0o777 == 0o640


def test_a_failing_write_is_told_once_per_cause_and_the_work_goes_on(
    store: SqliteStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "view"
    view = ViewFile(store, folder / "jobs.json")
    job = submitted(store)

    view.write()
    view.write()
    folder.write_text("in the way")
    view.write()
    folder.unlink()
    folder.mkdir()
    view.write()
    assert job.id in read(folder / "jobs.json")
    shutil.rmtree(folder)
    view.write()

    said = [record.getMessage() for record in caplog.records]
    assert all(line.startswith("Could not save jobs to disk: ") for line in said)
    assert [line.rpartition(": ")[2] for line in said] == [
        os.strerror(number) for number in (errno.ENOENT, errno.ENOTDIR, errno.ENOENT)
    ]


def _directory(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _writing(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


DAMAGED: dict[str, Callable[[Path], object]] = {
    "empty": _writing(b""),
    "zeros": _writing(bytes(4096)),
    "cut": _writing(b'{"a": {"status": "completed"'),
    "list": _writing(b"[]"),
    "null": _writing(b"null"),
    "bad UTF-8": _writing(b'{"a": "\xff"}'),
    "UTF-16": _writing('{"a": {}}'.encode("utf-16")),
    "NaN": _writing(b'{"a": NaN}'),
    "1e999": _writing(b'{"a": 1e999}'),
    "5,000 digits": _writing(b'{"a": ' + b"1" * 5000 + b"}"),
    "nested": _writing(b"[" * 100_000 + b"]" * 100_000),
    "directory": _directory,
    "pipe": os.mkfifo,
    "loop": _loop,
}


@pytest.mark.parametrize("kind", list(DAMAGED))
def test_a_damaged_file_is_set_aside_and_written_anew(
    store: SqliteStore, path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGED[kind](path)
    job = submitted(store)

    ViewFile(store, path).write()

    assert list(read(path)) == [job.id]
    assert "Could not load jobs from disk: " in caplog.text
    assert len([name for name in os.listdir(path.parent) if name.startswith("jobs.json.damaged-")]) == 1


@pytest.mark.parametrize("kind", list(DAMAGED))
def test_a_store_begins_empty_beside_a_damaged_file(
    store: SqliteStore, path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGED[kind](path)
    view_file.import_view(store, path)

    assert store.page(Query(), before=None, limit=9).jobs == []
    assert caplog.text.count("Could not load jobs from disk: ") == 1
    assert not os.path.lexists(path)
    assert len([name for name in os.listdir(path.parent) if name.startswith("jobs.json.damaged-")]) == 1


def test_a_byte_order_mark_is_no_damage(store: SqliteStore, path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbf{"a": {"status": "completed"}}')
    view_file.import_view(store, path)

    assert [job.id for job in store.page(Query(), before=None, limit=9).jobs] == ["a"]


def test_what_killed_writers_left_is_swept(store: SqliteStore, path: Path) -> None:
    mine, other = (path.with_name(name) for name in (".jobs.json.aa.tmp", ".other.cc.tmp"))
    for leftover in (mine, other):
        leftover.write_text("half")

    with new_file_beside(path, 0o600) as (_, written):
        ViewFile(store, path).write()

        assert [leftover.exists() for leftover in (mine, written, other)] == [False, True, True]
