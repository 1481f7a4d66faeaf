"""The PostgreSQL of the tests is real, is emptied between tests, and is nobody's leftover."""

import os

import psycopg
import pytest

from tests.leftovers import children
from tests.postgres import Database, Server


def test_a_test_has_a_database_of_its_own(postgres: Database) -> None:
    postgres.execute("CREATE TABLE one (a int); INSERT INTO one VALUES (7)")

    assert postgres.rows("SELECT a FROM one") == [(7,)]


def test_the_next_test_has_another(postgres: Database) -> None:
    assert postgres.rows("SELECT count(*) FROM pg_class WHERE relname = 'one'") == [(0,)]


def test_a_password_is_asked_of_everybody_but_the_owner(postgres: Database) -> None:
    role, password = postgres.new_role()

    with psycopg.connect(postgres.url_for(role, password)) as connection:
        assert connection.info.user == role
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url_for(role, "wrong"))


def test_a_server_that_was_killed_is_started_again_and_stopped_without_a_trace() -> None:
    before = children()
    server = Server()
    try:
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (a int)")
        server.kill()
        server.start()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchall() == [(0,)]
    finally:
        server.stop()

    assert children() == before
    assert not os.path.exists(server.directory)
