"""A proof of work as a job: its object, its ends, and what a kill -9 costs it."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from outlast.client import Handle
from outlast.pow.job import proof_of_work
from tests.waiting import eventually
from tests.workshop import Workshop

EASY = {"action": "struct_build_complete", "entity": "2-2", "player": "1-11", "block_start": 1000, "block_height": 9000}
"""Five zeros; the first hit is nonce 216,755."""
LONG = {**EASY, "entity": "2-259", "block_height": 7700, "max_iterations": 100_000_000}
LONG_HIT = 11_373_541
"""Six zeros, some seconds away; computed independently with the C prototype of the benchmarks."""


@pytest.fixture(autouse=True)
def plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search with hashlib: the compiled search would be over before anything is killed."""
    monkeypatch.setenv("OUTLAST_POW_SEARCH", "hashlib")


Strike = Callable[[Workshop, Handle], None]


def kill_job_process(workshop: Workshop, handle: Handle) -> None:
    workshop.kill(workshop.process_of(handle))


def kill_supervisor(workshop: Workshop, _: Handle) -> None:
    workshop.kill_supervisor()


def kill_both(workshop: Workshop, handle: Handle) -> None:
    job_process = workshop.process_of(handle)
    workshop.kill_supervisor()
    workshop.kill(job_process)
    workshop.start_supervisor()


def saved_nonce(workshop: Workshop, handle: Handle) -> int:
    cursor = workshop.details(handle).cursor
    return 0 if cursor is None else int(json.loads(cursor)["nonce"])


def proof_of(view: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = view["result"]["proof_of_work"]
    return found


def test_the_result_is_a_proof_that_hashlib_accepts(workshop: Workshop) -> None:
    handle = workshop.submit(proof_of_work, **EASY)

    result = handle.result(timeout=30)

    hash_hex = hashlib.sha256(b"2-2BUILD1000NONCE216755").hexdigest()
    computation_ms = result["proof_of_work"].pop("computation_time_ms")
    assert hash_hex.startswith("00000")
    assert result == {
        "job_id": handle.id,
        "status": "completed",
        "proof_of_work": {
            "hash": hash_hex,
            "nonce": "216755",
            "iterations": 216_756,
            "valid": True,
            "difficulty_met": True,
        },
        "transaction": {
            "status": "skipped",
            "message": "Not broadcast: DANGER is not true. Set DANGER=true to turn it on.",
        },
    }
    assert computation_ms > 0
    assert handle.job()["progress"]["done"] == 216_756


@pytest.mark.parametrize("strike", [kill_job_process, kill_supervisor, kill_both])
def test_after_a_kill_the_search_goes_on_from_the_last_saved_nonce(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, strike: Strike
) -> None:
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "6")
    handle = workshop.submit(proof_of_work, **LONG)
    eventually(lambda: saved_nonce(workshop, handle), timeout=30, what="a saved nonce")

    strike(workshop, handle)
    saved = saved_nonce(workshop, handle)
    view = handle.wait(timeout=60)

    proof = proof_of(view)
    assert proof["nonce"] == str(LONG_HIT)
    assert proof["iterations"] == LONG_HIT + 1
    assert hashlib.sha256(f"2-259BUILD1000NONCE{LONG_HIT}".encode()).hexdigest() == proof["hash"]
    begun = [int(nonce) for nonce in re.findall(r"from nonce (\d+) on", handle.logs())]
    assert 0 < saved < LONG_HIT
    assert begun == ([0] if strike is kill_supervisor else [0, saved])
    assert view["attempts"] == len(begun)


def test_a_running_search_shows_difficulty_and_preview(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "6")
    handle = workshop.submit(proof_of_work, **LONG)

    eventually(lambda: saved_nonce(workshop, handle), timeout=30, what="a saved nonce")
    view = handle.job()
    handle.cancel()

    assert view["difficulty_info"] == {
        "current_difficulty": 6,
        "target_difficulty": 6,
        "current_age": 6700,
        "difficulty_range": 14_000,
        "max_iterations": 100_000_000,
    }
    preview = proof_of(view)
    assert preview["iterations"] == view["progress"]["done"] > 0
    assert preview["valid"] is False
    assert preview["computation_time_ms"] > 0
    assert handle.wait(timeout=30)["status"] == "cancelled"
    assert "difficulty_info" not in handle.job()


def test_when_no_nonce_is_left_to_try_the_job_fails_and_says_so(workshop: Workshop) -> None:
    unlucky = {**EASY, "entity": "5-82", "max_iterations": 600_000}

    view = workshop.submit(proof_of_work, **unlucky).wait(timeout=30)

    assert (view["status"], view["reason"]) == ("failed", "error")
    assert "None of the 600,000 nonces of max_iterations has 5 zeros" in view["error"]
    assert proof_of(view)["iterations"] == view["progress"]["done"] == 600_000
    assert proof_of(view)["valid"] is False


def test_a_search_that_cannot_begin_fails_with_its_figures(workshop: Workshop) -> None:
    view = workshop.submit(proof_of_work, **{**EASY, "block_height": 7700}).wait(timeout=30)

    assert (view["status"], view["reason"]) == ("failed", "error")
    assert "6 zeros are needed at age 6700" in view["error"]
    assert "TARGET_DIFFICULTY_START=6" in view["error"]
    assert proof_of(view) | {"iterations": 0, "valid": False} == proof_of(view)


def test_a_wrong_target_difficulty_start_is_named(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workshop.service is not None, "opened before the variable, which a store refuses too"
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "65")

    view = workshop.submit(proof_of_work, **EASY).wait(timeout=30)

    assert view["status"] == "failed"
    assert "TARGET_DIFFICULTY_START" in view["error"]
    assert "'65'" in view["error"]
