"""Sending a proof to the signer: what it is called with, and what becomes of its answer."""

from typing import Any

import pytest

from outlast.pow.broadcasting.broadcast import NotSent, Proof, Refused, Target, Verdict
from outlast.pow.broadcasting.signer import FUNCTIONS, Signer
from tests.postgres import Database
from tests.pow.chain_database import make_signer, sent
from tests.pow.proofs import BUILD, KEY, RAID, Notebook

PATIENCE_SECONDS = 30.0
SHORT_SECONDS = 1.0
"""For what hangs."""
BUILT = ("tx_struct_build_complete", "1-11", "5-12", "00000abc", "12345")

DONE = {"status": "broadcast", "message": "Transaction broadcast successfully"}


def signer(url: str, patience_seconds: float = PATIENCE_SECONDS) -> Target:
    return Signer(url, patience_seconds=patience_seconds)


def verdict(postgres: Database, notebook: Notebook) -> str:
    return signer(postgres.url).ask(BUILD, key=KEY, noted=notebook.noted).verdict


@pytest.mark.parametrize("action", list(FUNCTIONS))
def test_each_action_calls_its_function_with_what_it_is_about(
    postgres: Database, notebook: Notebook, action: str
) -> None:
    make_signer(postgres)
    proof = Proof(action=action, player="1-11", entity="5-12", block_start=1, proof="00000abc", nonce=12_345)

    transaction = signer(postgres.url).send(proof, key=KEY, note=notebook.note)

    assert sent(postgres) == [(FUNCTIONS[action], "1-11", "5-12", "00000abc", "12345")]
    assert transaction == {**DONE, "transaction_hash": "0x" + postgres.rows("SELECT md5('00000abc')")[0][0]}


def test_a_raid_is_sent_under_its_fleet(postgres: Database, notebook: Notebook) -> None:
    make_signer(postgres)

    signer(postgres.url).send(RAID, key=KEY, note=notebook.note)

    assert sent(postgres) == [("tx_planet_raid_complete", "1-11", "9-2", "0000000abc", "216755")]


@pytest.mark.parametrize("nonce", ["text", "bigint", "numeric", "varchar"])
def test_the_nonce_fits_whatever_type_the_signer_gave_it(postgres: Database, notebook: Notebook, nonce: str) -> None:
    make_signer(postgres, nonce=nonce)

    signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)

    assert sent(postgres) == [BUILT]


@pytest.mark.parametrize(
    ("returns", "body", "expected"),
    [
        ("text", "RETURN NULL;", DONE),
        ("text", "RETURN '';", DONE),
        ("void", "", DONE),
        ("bigint", "RETURN 123;", {**DONE, "transaction_id": 123}),
        ("text", "RETURN '123';", {**DONE, "transaction_id": 123}),
        ("text", "RETURN 'queued';", {**DONE, "message": "The signer answered: queued"}),
        ("boolean", "RETURN true;", {**DONE, "message": "The signer answered: t"}),
        (
            "jsonb",
            """RETURN '{"transaction_hash": "0xab", "transaction_id": 5, "status": "queued", "message": "ok"}';""",
            {"transaction_hash": "0xab", "transaction_id": 5, "status": "queued", "message": "ok"},
        ),
        ("json", """RETURN '{"txid": 5}';""", {**DONE, "message": 'The signer answered: {"txid": 5}'}),
        ("json", "RETURN '123';", {**DONE, "transaction_id": 123}),
        ("json", """RETURN '"queued"';""", {**DONE, "message": "The signer answered: queued"}),
        (
            "TABLE (a bigint, b text, c text)",
            "RETURN QUERY SELECT 7::bigint, '0x' || repeat('ab', 32), 'all, right'::text;",
            {
                **DONE,
                "transaction_id": 7,
                "transaction_hash": "0x" + 32 * "ab",
                "message": "The signer answered: all, right",
            },
        ),
        ("SETOF text", "RETURN;", DONE),
        ("text", "RETURN repeat('x', 1000000);", {**DONE, "message": "The signer answered: " + 478 * "x" + "…"}),
        ("text", r"RETURN E'\x1b[2J \u202e';", {**DONE, "message": "The signer answered: [2J"}),
        ("text", "RETURN repeat('[', 100000);", {**DONE, "message": "The signer answered: " + 478 * "[" + "…"}),
    ],
)
def test_what_the_function_returns_becomes_the_transaction(
    postgres: Database, notebook: Notebook, returns: str, body: str, expected: dict[str, Any]
) -> None:
    make_signer(postgres, returns, body)

    assert signer(postgres.url).send(BUILD, key=KEY, note=notebook.note) == expected
    assert sent(postgres) == [BUILT]


def test_after_it_was_sent_the_database_says_so(postgres: Database, notebook: Notebook) -> None:
    make_signer(postgres)
    signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)

    answer = signer(postgres.url).ask(BUILD, key=KEY, noted=notebook.noted)

    assert answer.verdict is Verdict.DONE
    assert answer.transaction is not None
    assert answer.transaction["status"] == "broadcast"
    assert "was committed" in answer.transaction["message"]


def test_a_role_that_may_do_nothing_but_call_the_function_is_enough(postgres: Database, notebook: Notebook) -> None:
    make_signer(postgres)
    role, password = postgres.new_role()
    postgres.execute(
        f"GRANT USAGE ON SCHEMA signer TO {role}; GRANT INSERT ON signer.sent TO {role};"
        f"GRANT USAGE ON SEQUENCE signer.sent_id_seq TO {role}"
    )
    target = signer(postgres.url_for(role, password))

    target.send(BUILD, key=KEY, note=notebook.note)

    assert target.ask(BUILD, key=KEY, noted=notebook.noted).verdict is Verdict.DONE


def test_it_is_noted_before_the_function_is_called(postgres: Database) -> None:
    def note(_: dict[str, Any]) -> None:
        # A sequence does not wait for the commit to show that it was used.
        called.extend(postgres.rows("SELECT is_called FROM signer.sent_id_seq"))

    called: list[tuple[Any, ...]] = []
    make_signer(postgres)

    signer(postgres.url).send(BUILD, key=KEY, note=note)

    assert called == [(False,)]


def test_what_cannot_be_noted_is_not_sent(postgres: Database) -> None:
    def note(_: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    make_signer(postgres)

    with pytest.raises(OSError, match="No space"):
        signer(postgres.url).send(BUILD, key=KEY, note=note)

    assert sent(postgres) == []


REFUSALS = [
    ("RAISE EXCEPTION E'wrong proof\\x1b[2J';", "wrong proof"),
    ("RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'too young';", "too young"),
    ("RETURN 1/0;", "division by zero"),
    ("PERFORM * FROM nothing_there;", "does not exist"),
]


@pytest.mark.parametrize(("body", "words"), REFUSALS)
def test_an_error_of_the_function_is_a_refusal_and_nothing_was_done(
    postgres: Database, notebook: Notebook, body: str, words: str
) -> None:
    make_signer(postgres, body=body)

    with pytest.raises(Refused, match=words) as raised:
        signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)

    assert "\x1b" not in str(raised.value)
    assert sent(postgres) == []
    assert verdict(postgres, notebook) == Verdict.NOT_DONE


def test_without_the_function_nothing_was_done(postgres: Database, notebook: Notebook) -> None:
    with pytest.raises(Refused, match='schema "signer" does not exist'):
        signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)


def test_an_error_at_commit_is_a_refusal_once_the_database_says_that_it_was_rolled_back(
    postgres: Database, notebook: Notebook
) -> None:
    make_signer(postgres)
    postgres.execute(
        "CREATE FUNCTION signer.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON signer.sent DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION signer.no()"
    )

    with pytest.raises(Refused, match="not today"):
        signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)

    assert sent(postgres) == []


@pytest.mark.parametrize("code", ["serialization_failure", "deadlock_detected", "disk_full", "lock_not_available"])
def test_an_error_that_may_pass_means_not_sent(postgres: Database, notebook: Notebook, code: str) -> None:
    make_signer(postgres, body=f"RAISE EXCEPTION USING ERRCODE = '{code}';")

    with pytest.raises(NotSent):
        signer(postgres.url).send(BUILD, key=KEY, note=notebook.note)

    assert verdict(postgres, notebook) == Verdict.NOT_DONE


def test_a_function_that_hangs_is_stopped_by_the_server_and_was_not_sent(
    postgres: Database, notebook: Notebook
) -> None:
    make_signer(postgres, body="PERFORM pg_sleep(60); RETURN 1;")

    with pytest.raises(NotSent, match=r"statement timeout|no answer"):
        signer(postgres.url, SHORT_SECONDS).send(BUILD, key=KEY, note=notebook.note)

    assert verdict(postgres, notebook) == Verdict.NOT_DONE
