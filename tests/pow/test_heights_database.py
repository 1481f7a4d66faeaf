"""Heights from PostgreSQL: what the table may hold, and what the server may do instead of answering."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from outlast.pow.chain.heights import Heights, HeightUnknown, open_heights
from tests.faults.fixtures import ROOT
from tests.loopback import Relay
from tests.postgres import Database
from tests.pow.chain import Chain
from tests.pow.chain_database import make_blocks
from tests.waiting import eventually

PATIENCE_SECONDS = 30.0
SHORT_SECONDS = 0.4
"""For what hangs."""

Open = Callable[..., Heights]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Return a function that opens heights."""

    def make(database_url: str, api_url: str | None = None, patience_seconds: float = PATIENCE_SECONDS) -> Heights:
        return open_heights(
            database_url=database_url,
            api_url=api_url,
            cache_dir=tmp_path / "run",
            patience_seconds=patience_seconds,
        )

    return make


@pytest.mark.parametrize("kind", ["bigint", "integer", "numeric", "text", "varchar(20)"])
def test_the_newest_height_is_told_whatever_its_type(postgres: Database, opened: Open, kind: str) -> None:
    make_blocks(postgres, kind)
    postgres.execute(
        "INSERT INTO structs.current_block VALUES"
        " (5, now() - interval '1 hour'), (1234, now()), (6, now() - interval '1 second')"
    )

    height = opened(postgres.url).look()

    assert (height.value, height.source, height.errors, height.notes) == (1234, "database", (), ())


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("bigint", "NULL", "NULL"),
        ("bigint", "-1", "'-1'"),
        ("numeric", "'NaN'", "'NaN'"),
        ("numeric", "1e30", "'1000000"),
        ("numeric", "12.5", "'12.5'"),
        ("double precision", "'Infinity'", "'Infinity'"),
        ("boolean", "true", "'t'"),
        ("text", "'12x'", "'12x'"),
        ("text", "''", "''"),
        ("text", "repeat('9', 5000)", "'99999"),
        ("text", "E'\\x1b[2J'", "'[2J'"),
        ("jsonb", "'{\"height\": 5}'", "'{\"height"),
        ("bytea", "'\\x00ff'", "'"),
    ],
)
def test_what_is_no_height_is_said(postgres: Database, opened: Open, kind: str, value: str, shown: str) -> None:
    make_blocks(postgres, kind)
    postgres.execute(f"INSERT INTO structs.current_block VALUES ({value}, now())")

    with pytest.raises(HeightUnknown) as raised:
        opened(postgres.url).look()

    assert f"the height in structs.current_block is {shown}" in str(raised.value)
    assert len(str(raised.value)) < 300


def no_table(_: Database) -> None:
    pass


def an_empty_table(database: Database) -> None:
    make_blocks(database)


def another_table(database: Database) -> None:
    database.execute("CREATE SCHEMA structs; CREATE TABLE structs.current_block (number bigint)")


def a_table_that_stops_the_query(database: Database) -> None:
    database.execute(
        "CREATE SCHEMA structs; CREATE VIEW structs.current_block AS SELECT 1/0 AS height, now() AS updated_at"
    )


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (no_table, 'relation "structs.current_block" does not exist'),
        (an_empty_table, "structs.current_block is empty"),
        (another_table, 'column "height" does not exist'),
        (a_table_that_stops_the_query, "division by zero"),
    ],
)
def test_a_table_that_is_not_as_it_should_be_is_said(
    postgres: Database, opened: Open, prepare: Callable[[Database], None], words: str
) -> None:
    prepare(postgres)

    with pytest.raises(HeightUnknown, match=f"DATABASE_URL: {words}"):
        opened(postgres.url).look()


def test_the_question_changes_nothing(postgres: Database, opened: Open) -> None:
    postgres.execute(
        "CREATE SCHEMA structs; CREATE TABLE structs.looks (a int);"
        "CREATE FUNCTION structs.count() RETURNS bigint LANGUAGE sql"
        " AS 'INSERT INTO structs.looks VALUES (1) RETURNING 5';"
        "CREATE VIEW structs.current_block AS SELECT structs.count() AS height, now() AS updated_at"
    )

    with pytest.raises(HeightUnknown, match="in a read-only transaction"):
        opened(postgres.url).look()


def test_a_wrong_password_is_said_and_not_shown(postgres: Database, opened: Open) -> None:
    role, _ = postgres.new_role()

    with pytest.raises(HeightUnknown, match=f'password authentication failed for user "{role}"') as raised:
        opened(postgres.url_for(role, "hunter2@secret")).look()

    assert "hunter2" not in str(raised.value)


def test_a_server_that_is_down_is_said(opened: Open) -> None:
    with Relay("nowhere") as gone:
        pass

    with pytest.raises(HeightUnknown, match="Connection refused"):
        opened(f"postgresql://postgres@127.0.0.1:{gone.port}/postgres").look()


def accepts_and_is_silent(relay: Relay) -> None:
    relay.is_silent = True


def is_silent_at_the_query(relay: Relay) -> None:
    relay.trap(b"SELECT height", "silence")


@pytest.mark.parametrize("hang", [accepts_and_is_silent, is_silent_at_the_query])
def test_a_server_that_falls_silent_is_left_at_the_deadline(
    postgres: Database, relay: Relay, opened: Open, hang: Callable[[Relay], None]
) -> None:
    make_blocks(postgres)
    hang(relay)

    with pytest.raises(HeightUnknown, match=r"no answer within 0\.4 s"):
        opened(postgres.url_through(relay.port), patience_seconds=SHORT_SECONDS).look()


def test_a_connection_that_breaks_at_the_query_is_said(postgres: Database, relay: Relay, opened: Open) -> None:
    make_blocks(postgres)
    relay.trap(b"SELECT height", "answer")

    with pytest.raises(HeightUnknown, match="DATABASE_URL: "):
        opened(postgres.url_through(relay.port)).look()

    assert relay.sprung.is_set()


def test_a_table_that_is_locked_leaves_no_query_waiting(postgres: Database, opened: Open) -> None:
    import psycopg

    make_blocks(postgres)
    with psycopg.connect(postgres.url) as locking:
        locking.execute("LOCK TABLE structs.current_block")
        with pytest.raises(HeightUnknown, match=r"statement timeout|no answer"):
            opened(postgres.url, patience_seconds=SHORT_SECONDS).look()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'outlast' AND datname = current_database()"
        eventually(lambda: not postgres.rows(waiting), what="the query to leave")


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@host/db",
        "postgresql+psycopg://user:hunter2@host/db",
        "postgresql://user:hunter2/x@host/db",
        "postgresql://user:12/hunter2@host/db",
        "postgresql://host:hunter2/db",
        "postgresql://host/db?hunter2=1",
        "hunter2",
        "host=a password='hunter2",
        "postgresql://user:hunter2%00@host/db",
        "postgresql://user:hunter2\udcff@host/db",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(opened: Open, url: str) -> None:
    with pytest.raises(HeightUnknown, match="this is no PostgreSQL address") as raised:
        opened(url).look()

    assert "hunter2" not in str(raised.value)
    assert "12" not in str(raised.value).replace("5432", "")


def test_the_server_is_asked_if_the_database_does_not_answer(postgres: Database, opened: Open) -> None:
    with Chain(height=77) as chain:
        height = opened(postgres.url, chain.url).look()

    assert (height.value, height.source) == (77, "http")
    assert [error.partition(":")[0] for error in height.errors] == ["DATABASE_URL"]


def test_the_server_is_not_asked_if_the_database_answers(postgres: Database, opened: Open) -> None:
    make_blocks(postgres)
    postgres.execute("INSERT INTO structs.current_block VALUES (78, now())")
    with Chain(height=77) as chain:
        height = opened(postgres.url, chain.url).look()

        assert (height.value, height.source, chain.polls) == (78, "database", 0)


WITHOUT_PSYCOPG = """
import sys
from pathlib import Path
sys.modules["psycopg"] = None
from outlast.pow.chain.heights import HeightUnknown, open_heights
heights = open_heights(database_url="postgresql://user:hunter2@host/db", api_url=None, cache_dir=Path(sys.argv[1]))
try:
    heights.look()
except HeightUnknown as error:
    print(error)
"""


def test_without_psycopg_it_is_said_how_to_install_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PSYCOPG, str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert "pip install 'outlast[postgres]'" in done.stdout
    assert "hunter2" not in done.stdout
