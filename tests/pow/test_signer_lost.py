"""The fate of the signer's transaction can be asked, whatever broke in between."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from outlast.pow.broadcasting.broadcast import NotSent, SentUnknown, Target, Verdict
from outlast.pow.broadcasting.signer import Signer
from tests.faults.fixtures import ROOT
from tests.loopback import Relay
from tests.postgres import Database, Server
from tests.pow.chain_database import make_signer, sent
from tests.pow.proofs import BUILD, KEY, Notebook
from tests.waiting import eventually

PATIENCE_SECONDS = 30.0
SHORT_SECONDS = 1.0
"""For what hangs."""
BUILT = ("tx_struct_build_complete", "1-11", "5-12", "00000abc", "12345")


def signer(url: str, patience_seconds: float = PATIENCE_SECONDS) -> Target:
    return Signer(url, patience_seconds=patience_seconds)


def patience_for(way: str) -> float:
    """Return how long to wait for a connection that breaks in this way."""
    return SHORT_SECONDS if way == "silence" else PATIENCE_SECONDS


def verdict(postgres: Database, notebook: Notebook) -> str:
    return signer(postgres.url).ask(BUILD, key=KEY, noted=notebook.noted).verdict


def test_a_server_that_cannot_be_reached_means_not_sent_and_cannot_be_asked(notebook: Notebook) -> None:
    target = signer("postgresql://postgres:hunter2@127.0.0.1:1/postgres")

    with pytest.raises(NotSent, match="Connection refused") as raised:
        target.send(BUILD, key=KEY, note=notebook.note)

    assert not notebook.noted
    assert target.ask(BUILD, key=KEY, noted={}).verdict is Verdict.NOT_DONE
    assert target.ask(BUILD, key=KEY, noted={"xid": "1"}).verdict is Verdict.UNKNOWN
    assert "hunter2" not in str(raised.value)


BEFORE_COMMIT = [b"pg_current_xact_id", b"signer.tx_struct_build_complete"]


@pytest.mark.parametrize("way", ["request", "answer", "silence"])
@pytest.mark.parametrize("word", BEFORE_COMMIT)
def test_a_connection_lost_before_the_commit_means_not_sent(
    postgres: Database, relay: Relay, notebook: Notebook, word: bytes, way: str
) -> None:
    make_signer(postgres)
    relay.trap(word, way)

    with pytest.raises(NotSent):
        signer(postgres.url_through(relay.port), patience_for(way)).send(BUILD, key=KEY, note=notebook.note)

    assert relay.sprung.is_set()
    assert sent(postgres) == []


@pytest.mark.parametrize("way", ["answer", "silence"])
def test_a_lost_answer_to_commit_is_asked_for_at_once(
    postgres: Database, relay: Relay, notebook: Notebook, way: str
) -> None:
    make_signer(postgres)

    transaction = signer(postgres.url_through(relay.port), patience_for(way)).send(
        BUILD, key=KEY, note=trapping(notebook, relay, b"COMMIT", way)
    )

    assert relay.sprung.is_set()
    assert "transaction_hash" in transaction
    assert sent(postgres) == [BUILT]


def trapping(notebook: Notebook, relay: Relay, word: bytes, way: str) -> Callable[[dict[str, Any]], None]:
    """Return a note that sets the trap: before it, the flushing connection has committed too."""

    def note(noted: dict[str, Any]) -> None:
        notebook.note(noted)
        relay.trap(word, way)

    return note


def test_a_commit_that_never_arrived_means_not_sent(postgres: Database, relay: Relay, notebook: Notebook) -> None:
    make_signer(postgres)

    with pytest.raises(NotSent):
        signer(postgres.url_through(relay.port)).send(
            BUILD, key=KEY, note=trapping(notebook, relay, b"COMMIT", "request")
        )

    assert relay.sprung.is_set()
    assert sent(postgres) == []


def test_if_the_server_cannot_be_asked_either_it_is_unknown_until_it_can(
    postgres: Database, relay: Relay, notebook: Notebook
) -> None:
    make_signer(postgres)
    trap = trapping(notebook, relay, b"COMMIT", "answer")

    def note(noted: dict[str, Any]) -> None:
        trap(noted)
        relay.is_silent = True

    with pytest.raises(SentUnknown, match="is unknown"):
        signer(postgres.url_through(relay.port), SHORT_SECONDS).send(BUILD, key=KEY, note=note)

    assert sent(postgres) == [BUILT]
    assert verdict(postgres, notebook) == Verdict.DONE


def test_a_transaction_in_progress_is_unknown(postgres: Database, notebook: Notebook) -> None:
    make_signer(postgres)
    with psycopg.connect(postgres.url) as open_one:
        xid = open_one.execute("SELECT pg_current_xact_id()::text").fetchall()[0][0]
        signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)
        noted = {**notebook.noted, "xid": xid}

        answer = Signer(postgres.url, in_progress_seconds=0.2).ask(BUILD, key=KEY, noted=noted)
        open_one.commit()

    assert (answer.verdict, answer.message) == (
        Verdict.UNKNOWN,
        f"Transaction {xid} of the database is still in progress.",
    )
    assert signer(postgres.url).ask(BUILD, key=KEY, noted=noted).verdict is Verdict.DONE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("system", "7712184237875210916"),
        ("database", "postgres"),
        ("timeline", "00000002"),
        ("target", "https://host"),
        ("xid", "99999999999"),
        ("xid", "3"),
        ("xid", "x'; DROP TABLE signer.sent; --"),
        ("xid", None),
        ("xid", {"a": 1}),
        ("system", None),
    ],
)
def test_a_note_of_another_place_or_none_of_ours_is_unknown(
    postgres: Database, notebook: Notebook, field: str, value: Any
) -> None:
    make_signer(postgres)
    signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)

    answer = signer(postgres.url).ask(BUILD, key=KEY, noted={**notebook.noted, field: value})

    assert answer.verdict is Verdict.UNKNOWN
    assert sent(postgres) == [BUILT]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ("broadcast:numbered", Verdict.NOT_DONE),
        ("broadcast:noted", Verdict.NOT_DONE),
        ("broadcast:called", Verdict.NOT_DONE),
        ("broadcast:committed", Verdict.DONE),
    ],
)
def test_killed_around_the_effect_the_question_knows(
    postgres: Database, notebook: Notebook, point: str, expected: Verdict
) -> None:
    make_signer(postgres)

    killed = subprocess.run(
        [sys.executable, "-m", "tests.pow.sender", "signer", str(notebook.path)],
        env={**os.environ, "DATABASE_URL": postgres.url, "OUTLAST_CRASH_POINT": point},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, b"")
    assert verdict(postgres, notebook) == expected
    assert bool(notebook.noted) == (point != "broadcast:numbered")
    assert sent(postgres) == ([BUILT] if expected == Verdict.DONE else [])


@pytest.mark.parametrize(("way", "expected"), [("silence", Verdict.DONE), ("request", Verdict.NOT_DONE)])
def test_killed_while_the_commit_is_on_its_way_the_question_knows(
    postgres: Database, relay: Relay, notebook: Notebook, way: str, expected: Verdict
) -> None:
    make_signer(postgres)
    relay.trap(b"COMMIT", way, spared=1)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.pow.sender", "signer", str(notebook.path)],
        env={**os.environ, "DATABASE_URL": postgres.url_through(relay.port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    ) as sending:
        eventually(relay.sprung.is_set, what="the COMMIT of the signer's transaction")
        sending.kill()

    assert notebook.noted
    assert verdict(postgres, notebook) == expected
    assert sent(postgres) == ([BUILT] if expected == Verdict.DONE else [])


def test_a_crash_of_the_server_does_not_give_the_number_to_somebody_else(notebook: Notebook) -> None:
    server = Server()
    try:
        server.start()
        database = Database(name="postgres", url=server.url(), server=server)
        make_signer(database)

        def crash(noted: dict[str, Any]) -> None:
            notebook.note(noted)
            server.kill()
            server.start()
            for _ in range(20):
                database.execute("INSERT INTO signer.sent (action) VALUES ('of somebody else')")

        with pytest.raises(NotSent):
            signer(server.url()).send(BUILD, key=KEY, note=crash)

        assert verdict(database, notebook) == Verdict.NOT_DONE
    finally:
        server.stop()


def test_an_interrupted_sender_leaves_nothing_behind(postgres: Database, notebook: Notebook) -> None:
    make_signer(postgres, body="PERFORM pg_sleep(60); RETURN 1;")
    main = threading.get_ident()
    calling = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'SELECT signer.%' AND state = 'active'"
    )

    def interrupt() -> None:
        eventually(lambda: postgres.rows(calling), what="the call")
        signal.pthread_kill(main, signal.SIGINT)

    watching = threading.Thread(target=interrupt)
    watching.start()
    with pytest.raises(KeyboardInterrupt):
        signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)
    watching.join()

    assert not [thread for thread in threading.enumerate() if thread.name == "outlast-talk"]
