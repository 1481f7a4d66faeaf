"""What stays of removed jobs: a store of rows becomes one of blocks, and tells the same."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outlast.storage.sqlite import SqliteStore
from outlast.storage.sqlite.examination import problems_of, statuses_of
from outlast.storage.sqlite.existing import open_existing
from tests.contract.making import Clock, ended
from tests.formats.past import LATER, furnish_past, told
from tests.formats.test_stored import STORED, unpack

EXPECTED: dict[str, Any] = json.loads(gzip.decompress((STORED / "history-5" / "told.json.gz").read_bytes()))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return unpack("history-5/jobs.db.gz", tmp_path / "jobs.db")


@pytest.fixture
def store(old: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(old, clock=lambda: LATER)) as store:
        yield store


def plain_blocks(store: SqliteStore) -> list[bytes]:
    """Return the blocks that are as the migration made them."""
    return [packed for (packed,) in store.database.execute("SELECT packed FROM history_blocks WHERE summary IS NULL")]


def test_rows_that_became_blocks_tell_what_they_told(store: SqliteStore) -> None:
    assert told(store) == EXPECTED
    assert len(plain_blocks(store)) == 3
    assert store.database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'history'") == [(0,)]


def test_blocks_of_a_migration_are_packed_as_jobs_are_removed(old: Path) -> None:
    clock = Clock(LATER)
    with closing(SqliteStore(old, clock=clock)) as store:
        before = sum(map(len, plain_blocks(store)))
        while plain_blocks(store):
            store.remove(ended(store), "me")
        packed = store.database.execute("SELECT sum(length(packed)) FROM history_blocks")[0][0]

        assert told(store)["names"] == EXPECTED["names"]
        assert [text for text in told(store)["lines"] if text in EXPECTED["lines"]] == EXPECTED["lines"]
    assert packed < before / 5
    with closing(open_existing(old)) as database:
        assert problems_of(database) == []


def test_what_is_removed_today_tells_the_same(tmp_path: Path) -> None:
    furnish_past(tmp_path / "jobs.db")

    with closing(SqliteStore(tmp_path / "jobs.db", clock=lambda: LATER)) as store:
        shown = told(store)

    assert {**shown, "lines": _with_short_marks(shown)} == {**EXPECTED, "lines": _with_short_marks(EXPECTED)}


def _with_short_marks(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines with what they have of a fingerprint: all of it until schema 5, half of it since then."""
    return [{**line, "fingerprint": line["fingerprint"][:32]} for line in shown["lines"]]


@pytest.mark.parametrize("migrated", [False, True])
def test_an_old_store_is_examined_as_it_is(old: Path, migrated: bool) -> None:
    if migrated:
        with closing(SqliteStore(old)) as store:
            store.stats()
    removed = {line["job_id"]: line["status"] for line in EXPECTED["lines"]}

    with closing(open_existing(old)) as database:
        assert problems_of(database) == []
        newest, known = statuses_of(database, [*removed, "unknown", "\ud800"], newest=10)

    assert known == removed
    assert len(newest) == 10
