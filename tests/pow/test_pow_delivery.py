"""Sending the proof of a finished search: at most once, whatever is killed in between."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from outlast.client import Handle
from outlast.core.status import Reason, Status
from outlast.pow.job import proof_of_work
from tests.postgres import Database
from tests.pow.chain_database import make_signer, sent
from tests.pow.receiving import Receiving
from tests.waiting import eventually
from tests.workshop import Workshop

EASY = {"action": "struct_build_complete", "entity": "2-2", "player": "1-11", "block_start": 1000, "block_height": 9000}
OF_BOTH = ("broadcast:noted", "pow:noted", "pow:sent", "pow:delivered")
POINTS = [
    *(("url", point) for point in (*OF_BOTH, "exchange:sent", "broadcast:answered")),
    *(("signer", point) for point in (*OF_BOTH, "broadcast:numbered", "broadcast:called", "broadcast:committed")),
]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where proofs are sent, and how often one arrived."""

    arrived: Callable[[], int]


@pytest.fixture(params=["url", "signer"])
def receiver(request: pytest.FixtureRequest, postgres: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("DANGER", "true")
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "5")
    if request.param == "signer":
        make_signer(postgres)
        monkeypatch.setenv("DATABASE_URL", postgres.url)
        yield Receiver(arrived=lambda: len(sent(postgres)))
        return
    with closing(Receiving()) as receiving:
        monkeypatch.setenv("OUTLAST_BROADCAST", receiving.url)
        yield Receiver(arrived=lambda: len(receiving.effects))


def test_a_proof_is_sent_once_and_its_transaction_is_told(workshop: Workshop, receiver: Receiver) -> None:
    result = workshop.submit(proof_of_work, **EASY).result(timeout=60)

    assert result["transaction"]["status"] == "broadcast"
    assert receiver.arrived() == 1


@pytest.mark.parametrize(("receiver", "point"), POINTS, indirect=["receiver"])
def test_a_kill_around_the_sending_sends_nothing_twice(
    workshop: Workshop, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    once = tmp_path / "killed"
    monkeypatch.setenv("OUTLAST_CRASH_POINT", point)
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(once))
    handle = workshop.submit(proof_of_work, **EASY)

    job = workshop.until_ended(handle, timeout=60)

    view = handle.job()
    arrived = receiver.arrived()
    assert once.exists()
    assert view["result"]["proof_of_work"]["valid"]
    if job.status is Status.COMPLETED:
        assert arrived == 1
    else:
        assert (job.reason, arrived) in [(Reason.BROADCAST_UNKNOWN, 0), (Reason.BROADCAST_UNKNOWN, 1)]


def test_what_is_unknown_is_sent_again_only_when_somebody_says_so(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANGER", "true")
    with closing(Receiving()) as receiving:
        monkeypatch.setenv("OUTLAST_BROADCAST", receiving.url)
        receiving.say(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")
        handle = workshop.submit(proof_of_work, **EASY)
        job = workshop.until_ended(handle, timeout=60)
        assert (job.status, job.reason) == (Status.FAILED, Reason.BROADCAST_UNKNOWN)
        assert f"outlast retry {handle.id} --broadcast" in str(handle.job()["error"])
        assert handle.job()["result"]["proof_of_work"]["valid"]

        receiving.manner = receiving.properly
        _retry_with_broadcast(workshop, handle)
        result = handle.result(timeout=60)

        assert (result["transaction"]["status"], len(receiving.effects)) == ("broadcast", 1)


def _retry_with_broadcast(workshop: Workshop, handle: Handle) -> None:
    from outlast.pow.delivery import send_again

    cursor = workshop.details(handle).cursor
    assert cursor is not None
    workshop.service.retry(workshop.job(handle), cursor=send_again(cursor))


def test_a_receiver_that_is_away_is_tried_again_without_a_process(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANGER", "true")
    monkeypatch.setenv("OUTLAST_BROADCAST", "http://127.0.0.1:1/nobody")
    handle = workshop.submit(proof_of_work, **EASY)

    job = workshop.until(handle, Status.WAITING, timeout=60)

    assert job.reason is Reason.TIME
    assert job.waiting_info == {"waits_for": "sending again"}
    eventually(lambda: handle.job()["result"]["errors"], what="the error to be recorded")
    handle.cancel()
