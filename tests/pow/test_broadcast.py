"""Which target OUTLAST_BROADCAST names, and the one that sends nothing."""

import subprocess
import sys
from typing import Any

import pytest

from outlast.pow.broadcasting.broadcast import Proof, Verdict, WrongTarget, open_target
from outlast.pow.rules import WrongPuzzle
from tests.faults.fixtures import ROOT
from tests.pow.proofs import BUILD, KEY

DATABASE = "postgresql://user:hunter2@host/db"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("signer", "signer"),
        (" signer\n", "signer"),
        ("dry-run", "dry-run"),
        ("https://host/proofs", "https://host/proofs"),
        ("https://user:hunter2@host:8443/proofs?key=hunter2", "https://host:8443/proofs"),
        ("http://localhost:8080/", "http://localhost:8080/"),
        ("http://127.1.2.3:8080", "http://127.1.2.3:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
    ],
)
def test_a_target_is_named_by_a_word_or_an_address(text: str, name: str) -> None:
    target = open_target(text, DATABASE)

    assert target.name == name
    assert "hunter2" not in repr(target)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is ''"),
        ("Signer", "is 'Signer'"),
        ("user:hunter2@host/proofs", "names no target"),
        ("ftp://user:hunter2@host/", "is no http:// or https:// address"),
        ("file:///etc/passwd", "is no http:// or https:// address"),
        ("https://user:hunter2/x@host/", "is no address"),
        ("http://user:hunter2@host/", "is http://host/, where anybody can listen"),
        ("http://127.0.0.1.evil.example/", "where anybody can listen"),
        ("http://localhost.evil.example/", "where anybody can listen"),
        ("http://0.0.0.0/", "where anybody can listen"),
        ("http://[::ffff:10.0.0.1]/", "where anybody can listen"),
    ],
)
def test_what_is_no_target_is_refused_without_its_password(text: str, words: str) -> None:
    with pytest.raises(WrongTarget, match=words) as raised:
        open_target(text, DATABASE)

    assert "hunter2" not in str(raised.value)
    assert raised.value.code == "usage"


@pytest.mark.parametrize("url", [None, "", " ", "hunter2", "postgresql://user:hunter2/x@host/db"])
def test_the_signer_needs_a_database(url: str | None) -> None:
    with pytest.raises(WrongTarget, match="DATABASE_URL") as raised:
        open_target("signer", url)

    assert "hunter2" not in str(raised.value)


WITHOUT_PSYCOPG = """
import sys
sys.modules["psycopg"] = None
from outlast.pow.broadcasting.broadcast import WrongTarget, open_target
print(open_target("dry-run", None).name)
try:
    open_target("signer", "postgresql://user:hunter2@host/db")
except WrongTarget as error:
    print(error)
"""


def test_without_psycopg_only_the_signer_cannot_be_used_and_it_is_said_how_to_install_it() -> None:
    command = [sys.executable, "-c", WITHOUT_PSYCOPG]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("dry-run\nThe signer cannot be used")
    assert "pip install 'outlast[postgres]'" in done.stdout
    assert "hunter2" not in done.stdout


def test_a_dry_run_sends_nothing_and_notes_nothing() -> None:
    target, noted = open_target("dry-run", None), list[dict[str, Any]]()

    transaction = target.send(BUILD, key=KEY, note=noted.append)

    assert noted == []
    assert transaction["status"] == "dry-run"
    assert "OUTLAST_BROADCAST is dry-run" in transaction["message"]
    assert target.ask(BUILD, key=KEY, noted={}).verdict is Verdict.NOT_DONE
    assert target.ask(BUILD, key=KEY, noted={"target": "signer"}).verdict is Verdict.UNKNOWN


def test_a_proof_is_for_an_action_that_there_is() -> None:
    with pytest.raises(WrongPuzzle, match="is no action"):
        Proof(action="dance", player="1-11", entity="5-12", block_start=1, proof="00", nonce=1)
