"""How SQLite reads what is told of a whole store: out of indexes, never a million rows one by one.

The query plan calls an index "covering" only if it holds every column that the statement names, also those of a
condition that the index makes true by itself. So the program that SQLite makes of a statement is read instead: where it
takes a column out of the table, a row is read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from outlast.core.query import parse_query
from outlast.core.status import Status
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import ended, submitted

Statement = tuple[str, Any]
LONG = ("jobs",)
"""The tables that may have a million rows; of the history's blocks there are some hundred times fewer."""


@contextmanager
def recorded(store: SqliteStore) -> Iterator[list[Statement]]:
    """Collect the statements that are run inside the block."""
    seen: list[Statement] = []

    def note(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        seen.append((sql, bindings))
        return True

    connection = store._database._opened()
    connection.exec_trace = note
    try:
        yield seen
    finally:
        connection.exec_trace = None


def columns_read(store: SqliteStore, statement: Statement) -> list[str]:
    """Return the columns that a statement takes out of rows of long tables, as `table.number`."""
    sql, bindings = statement
    if not sql.startswith(("SELECT", "WITH")):
        return []
    roots = {root: name for name, root in store._database.execute("SELECT name, rootpage FROM sqlite_schema")}
    program = store._database.execute(f"EXPLAIN {sql}", bindings or ())
    tables = {row[2]: roots.get(row[3], "") for row in program if row[1] == "OpenRead"}
    return [f"{tables[row[2]]}.{row[3]}" for row in program if row[1] == "Column" and tables.get(row[2]) in LONG]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Return a store in which something failed, was removed, waits and is queued."""
    place = SqliteStore(tmp_path / "jobs.db")
    for _ in range(3):
        ended(place, Status.FAILED)
    place.remove(ended(place, Status.FAILED), "me")
    place.remove(ended(place), "me")
    submitted(place)
    submitted(place, delay_seconds=60.0)
    yield place
    place.close()


def columns_of(store: SqliteStore, look: Callable[[SqliteStore], object]) -> list[str]:
    """Return what all statements of a look take out of rows of long tables, named."""
    names = {table: store._database.execute(f"PRAGMA table_info({table})") for table in LONG}
    with recorded(store) as statements:
        look(store)
    assert statements
    found = [column.split(".") for each in statements for column in columns_read(store, each)]
    return [f"{table}.{names[table][int(number)][1]}" for table, number in found]


GROUP = "ValueError: no"


@pytest.mark.parametrize(
    "look",
    [
        lambda store: store.failure_names(),
        lambda store: store.count(parse_query("status:failed")),
        lambda store: store.count(parse_query("kind:demo -status:queued -status:running -status:waiting")),
    ],
    ids=["failure_names", "count", "count-narrowed"],
)
def test_what_counts_a_whole_store_reads_no_row(store: SqliteStore, look: Callable[[SqliteStore], object]) -> None:
    assert columns_of(store, look) == []


def test_who_comes_first_is_told_by_the_index_of_the_queue(store: SqliteStore) -> None:
    [job] = store.due(1)

    assert columns_of(store, lambda store: store.ahead_of(job)) == []


def test_counts_read_rows_of_unfinished_jobs_alone(store: SqliteStore) -> None:
    assert columns_of(store, lambda store: store.stats()) == ["jobs.kind", "jobs.created_at"]


def test_groups_of_failures_read_one_row_for_the_example(store: SqliteStore) -> None:
    assert columns_of(store, lambda store: store.failures(since_seconds=3600.0, limit=5)) == ["jobs.id"]
    assert columns_of(store, lambda store: store.failure(GROUP, since_seconds=None)) == ["jobs.id"]


def test_a_page_of_a_group_reads_only_the_jobs_that_it_shows(store: SqliteStore) -> None:
    with recorded(store) as statements:
        store.failed_jobs(GROUP, since_seconds=None, before=(2**60, 0), limit=2)

    finding = [each for each in statements if "jobs_failed" in each[0]]
    assert [columns_read(store, each) for each in finding] == [[]]


def test_figures_read_rows_of_waiting_jobs_and_of_the_newest_of_a_kind(store: SqliteStore) -> None:
    columns = columns_of(store, lambda store: store.figures(hours=24, days=14, newest=100))

    assert columns == ["jobs.completed_at", "jobs.started_at", "jobs.reason"]


def test_a_walk_over_rows_is_noticed(store: SqliteStore) -> None:
    assert columns_of(store, lambda store: store._database.execute("SELECT count(*) FROM jobs WHERE error = 'x'"))
    assert columns_of(store, lambda store: store.count(parse_query("error:x status:failed")))
