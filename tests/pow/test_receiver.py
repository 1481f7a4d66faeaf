"""Sending a proof to an address: once, in the documented form, and with the truth about what is known of it."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from outlast.pow.broadcasting.broadcast import NotSent, Refused, SentUnknown, Target, Verdict, open_target
from outlast.pow.broadcasting.receiver import Receiver, wire_key
from outlast.pow.network.addresses import parse_address
from tests.faults.fixtures import ROOT
from tests.loopback import Heard, reply
from tests.pow.proofs import BUILD, KEY, RAID, Notebook
from tests.pow.receiving import TRANSACTION, Receiving
from tests.waiting import eventually

PATIENCE_SECONDS = 30.0
SHORT_SECONDS = 0.3
"""For what hangs."""


@pytest.fixture
def receiving() -> Iterator[Receiving]:
    with Receiving() as place:
        yield place


@pytest.fixture
def target(receiving: Receiving) -> Target:
    return Receiver(address=parse_address(f"{receiving.url}/proofs?key=hunter2"), patience_seconds=PATIENCE_SECONDS)


@pytest.fixture
def impatient(receiving: Receiving) -> Target:
    return Receiver(address=parse_address(f"{receiving.url}/proofs?key=hunter2"), patience_seconds=SHORT_SECONDS)


def verdict(target: Target, notebook: Notebook) -> str:
    return target.ask(BUILD, key=KEY, noted=notebook.noted).verdict


def test_a_proof_is_posted_as_documented(receiving: Receiving, target: Target, notebook: Notebook) -> None:
    transaction = target.send(RAID, key=KEY, note=notebook.note)

    [posted] = receiving.heard
    assert transaction == {
        "transaction_hash": "0xabc",
        "transaction_id": 7,
        "status": "broadcast",
        "message": "Thank you",
    }
    assert (posted.method, posted.target) == ("POST", "/proofs?key=hunter2")
    assert posted.headers["idempotency-key"] == KEY
    assert posted.headers["content-type"] == "application/json"
    assert posted.json == {
        "action": "planet_raid_complete",
        "player": "1-11",
        "entity": "9-2",
        "target": "2-7",
        "block_start": 1000,
        "proof": "0000000abc",
        "nonce": "216755",
    }
    assert target.name == f"{receiving.url}/proofs"
    assert "hunter2" not in notebook.path.read_text()


def test_the_question_is_asked_under_the_same_key(receiving: Receiving, target: Target, notebook: Notebook) -> None:
    notebook.note(target_notes(target))
    before = target.ask(BUILD, key=KEY, noted=notebook.noted)
    target.send(BUILD, key=KEY, note=notebook.note)

    after = target.ask(BUILD, key=KEY, noted=notebook.noted)

    assert (before.verdict, before.transaction) == (Verdict.NOT_DONE, None)
    assert after.verdict is Verdict.DONE
    assert after.transaction is not None
    assert after.transaction["transaction_id"] == 7
    assert receiving.heard[0].target == f"/proofs?key=hunter2&idempotency_key={KEY}"
    assert [heard.method for heard in receiving.heard] == ["GET", "POST", "GET"]


def target_notes(target: Target) -> dict[str, Any]:
    """Return what a target notes before it sends, without sending."""
    noted: list[dict[str, Any]] = []

    def note(what: dict[str, Any]) -> None:
        noted.append(what)
        raise InterruptedError

    with contextlib.suppress(InterruptedError):
        target.send(BUILD, key=KEY, note=note)
    return noted[0]


def test_what_cannot_be_noted_is_not_sent(receiving: Receiving, target: Target) -> None:
    def note(_: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        target.send(BUILD, key=KEY, note=note)

    assert not receiving.heard


def test_without_a_note_nothing_was_sent(receiving: Receiving, target: Target) -> None:
    assert target.ask(BUILD, key=KEY, noted={}).verdict is Verdict.NOT_DONE
    assert not receiving.heard


def test_what_was_sent_elsewhere_is_unknown_here(receiving: Receiving, target: Target, notebook: Notebook) -> None:
    other = Receiver(address=parse_address(f"{receiving.url}/proofs?key=other"))

    assert target.ask(BUILD, key=KEY, noted=target_notes(other)).verdict is Verdict.UNKNOWN
    assert not receiving.heard


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 422, 451, 301, 307, 308])
def test_a_refusal_is_definite_and_says_why(
    receiving: Receiving, target: Target, notebook: Notebook, status: int
) -> None:
    receiving.say(reply(status, b'{"message": "wrong\\u001b[2J nonce hunter2"}'))

    with pytest.raises(Refused, match=rf"answered {status} 'wrong \[2J nonce hunter2'") as raised:
        target.send(BUILD, key=KEY, note=notebook.note)

    assert raised.value.code == "refused"
    assert "\x1b" not in str(raised.value)


UNKNOWN_ANSWERS = [
    *(reply(status, b"{}") for status in (302, 303, 304, 408, 409, 425, 429, 500, 502, 503, 504)),
    reply(503, b"{}", Retry_After="5"),
    reply(500, b'{"status": "not_processed"}'),
    reply(200, b""),
    reply(200, b"<html>Please log in</html>"),
    reply(200, b"[]"),
    reply(200, b"true"),
    reply(200, 60_000 * b"["),
    reply(200, b'{"message": "' + 70_000 * b"x" + b'"}'),
    reply(204, b""),
    b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + TRANSACTION[:40],
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 90\r\n\r\n{",
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"garbage",
    b"",
]


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("raw", UNKNOWN_ANSWERS, ids=lambda raw: repr(raw[:30]))
def test_an_answer_that_proves_nothing_is_unknown_until_it_is_asked(
    receiving: Receiving, target: Target, notebook: Notebook, raw: bytes, taken: bool
) -> None:
    receiving.say(raw, taken=taken)
    with pytest.raises(SentUnknown, match="is unknown"):
        target.send(BUILD, key=KEY, note=notebook.note)
    receiving.manner = receiving.properly

    assert verdict(target, notebook) == (Verdict.DONE if taken else Verdict.NOT_DONE)
    assert len(receiving.effects) == taken


@pytest.mark.parametrize("status", [425, 429, 503])
def test_a_receiver_may_say_that_it_did_not_take_it(
    receiving: Receiving, target: Target, notebook: Notebook, status: int
) -> None:
    receiving.say(reply(status, b'{"status": "not_processed", "message": "busy"}'))

    with pytest.raises(NotSent, match=f"answered {status} 'busy'"):
        target.send(BUILD, key=KEY, note=notebook.note)


@pytest.mark.parametrize("taken", [True, False])
def test_silence_is_unknown_at_the_deadline(
    receiving: Receiving, target: Target, impatient: Target, notebook: Notebook, taken: bool
) -> None:
    receiving.hang(taken=taken)

    with pytest.raises(SentUnknown, match=r"no whole answer within 0\.3 s"):
        impatient.send(BUILD, key=KEY, note=notebook.note)

    assert verdict(target, notebook) == (Verdict.DONE if taken else Verdict.NOT_DONE)


def test_a_request_that_was_only_sent_in_part_is_unknown(
    receiving: Receiving, impatient: Target, notebook: Notebook
) -> None:
    begun = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        begun.set()
        receiving.over.wait()

    receiving.serve = serve  # type: ignore[method-assign]

    with pytest.raises(SentUnknown, match="no whole answer"):
        impatient.send(replace(BUILD, entity=20_000_000 * "x"), key=KEY, note=notebook.note)

    assert begun.is_set()


def test_a_reset_after_sending_is_unknown(receiving: Receiving, target: Target, notebook: Notebook) -> None:
    def resetting(request: Heard, connection: socket.socket) -> None:
        receiving.take(request)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    receiving.manner = resetting

    with pytest.raises(SentUnknown, match="reset by peer"):
        target.send(BUILD, key=KEY, note=notebook.note)


@pytest.mark.parametrize("raw", [*UNKNOWN_ANSWERS, reply(400, b"{}"), reply(301, b""), reply(405, b"{}")])
def test_a_question_without_a_clear_answer_stays_unknown(
    receiving: Receiving, target: Target, notebook: Notebook, raw: bytes
) -> None:
    target.send(BUILD, key=KEY, note=notebook.note)
    receiving.say(raw)

    assert verdict(target, notebook) == Verdict.UNKNOWN


def test_nobody_there_means_not_sent_and_cannot_be_asked(
    receiving: Receiving, target: Target, notebook: Notebook
) -> None:
    receiving.close()

    with pytest.raises(NotSent, match="Connection refused"):
        target.send(BUILD, key=KEY, note=notebook.note)

    assert verdict(target, notebook) == Verdict.UNKNOWN


def test_a_name_that_nobody_knows_means_not_sent(notebook: Notebook) -> None:
    address = parse_address("https://no-such-host.invalid/proofs")

    with pytest.raises(NotSent, match="no-such-host"):
        Receiver(address=address, patience_seconds=SHORT_SECONDS).send(BUILD, key=KEY, note=notebook.note)


def test_an_answer_full_of_nonsense_is_cut_to_size(receiving: Receiving, target: Target, notebook: Notebook) -> None:
    receiving.say(
        reply(
            200,
            b'{"transaction_hash": {"a": 1}, "transaction_id": 1e999, "status": "ok\\u202e\\ud800\\u0000", "message": "'
            + 20_000 * b"x"
            + b'", "more": [1]}',
        )
    )

    transaction = target.send(BUILD, key=KEY, note=notebook.note)

    assert transaction == {"status": "ok", "message": 499 * "x" + "…"}


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("pow:1-11", "pow:1-11"),
        ("with space", "sha256-"),
        ("line\r\nX-Evil: 1", "sha256-"),
        ("é", "sha256-"),
        ("\udcff", "sha256-"),
        ("", "sha256-"),
        (201 * "k", "sha256-"),
    ],
)
def test_any_key_can_be_sent(receiving: Receiving, target: Target, notebook: Notebook, key: str, sent: str) -> None:
    target.send(BUILD, key=key, note=notebook.note)

    assert receiving.heard[0].headers["idempotency-key"] == wire_key(key)
    assert wire_key(key).startswith(sent)
    assert len(wire_key(key)) <= 200
    assert target.ask(BUILD, key=key, noted=notebook.noted).verdict is Verdict.DONE


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def guarded(authority: trustme.CA) -> Iterator[Receiving]:
    """Return a receiver that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Receiving(context) as place:
        yield place


def test_over_tls_a_trusted_receiver_gets_the_proof(
    guarded: Receiving, authority: trustme.CA, notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    target = open_target(guarded.url, None)

    transaction = target.send(BUILD, key=KEY, note=notebook.note)

    assert transaction["transaction_id"] == 7
    assert verdict(target, notebook) == Verdict.DONE


def test_a_receiver_that_is_not_trusted_gets_nothing(guarded: Receiving, notebook: Notebook) -> None:
    with pytest.raises(NotSent, match="certificate verify failed"):
        open_target(guarded.url, None).send(BUILD, key=KEY, note=notebook.note)

    assert not guarded.heard


def test_a_receiver_that_speaks_no_tls_gets_nothing(receiving: Receiving, notebook: Notebook) -> None:
    receiving.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    address = parse_address(receiving.url.replace("http://", "https://"))

    with pytest.raises(NotSent, match="SSL"):
        Receiver(address=address).send(BUILD, key=KEY, note=notebook.note)

    assert not receiving.effects


@pytest.mark.parametrize(
    ("point", "effects", "expected"),
    [
        ("broadcast:noted", 0, Verdict.NOT_DONE),
        ("exchange:sent", 1, Verdict.DONE),
        ("broadcast:answered", 1, Verdict.DONE),
    ],
)
def test_killed_around_the_effect_the_question_knows(
    receiving: Receiving, notebook: Notebook, point: str, effects: int, expected: Verdict
) -> None:
    killed = subprocess.run(
        [sys.executable, "-m", "tests.pow.sender", receiving.url, str(notebook.path)],
        env={**os.environ, "OUTLAST_CRASH_POINT": point},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    target = open_target(receiving.url, None)
    eventually(lambda: len(receiving.effects) == effects, what="what was sent to arrive")

    answer = target.ask(BUILD, key=KEY, noted=notebook.noted)

    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, b"")
    assert notebook.noted
    assert len(receiving.effects) == effects
    assert answer.verdict is expected
    target.send(BUILD, key=KEY, note=notebook.note)
    assert len(receiving.effects) == 1
