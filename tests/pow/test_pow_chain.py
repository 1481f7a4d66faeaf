"""Searches on a chain that stands still, grows, jumps, goes back, talks nonsense, or hangs."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outlast.client import Handle
from outlast.core.status import Reason, Status
from outlast.pow import rules
from outlast.pow.job import proof_of_work
from tests.pow.chain import Chain
from tests.waiting import eventually
from tests.workshop import Workshop

START = 1000
SEARCH = {"action": "struct_build_complete", "entity": "2-2", "player": "1-11", "block_start": START}
READY_AGE = rules.age_for(3, rules.DEFAULT_RANGE)
"""With TARGET_DIFFICULTY_START=3 a search begins at this age."""


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    with closing(Chain(START + 20)) as chain:
        monkeypatch.setenv("CONSENSUS_API_URL", chain.url)
        monkeypatch.setenv("TARGET_DIFFICULTY_START", "3")
        yield chain


def waits(workshop: Workshop, handle: Handle) -> dict[str, Any]:
    return eventually(lambda: _waiting(workshop, handle), timeout=20, what="the search to wait")


def _waiting(workshop: Workshop, handle: Handle) -> dict[str, Any] | None:
    view = handle.job()
    return view if view["status"] == "waiting" and "current_age" in view["waiting_info"] else None


def test_a_search_waits_until_the_chain_is_old_enough_and_a_jump_is_used(workshop: Workshop, chain: Chain) -> None:
    handle = workshop.submit(proof_of_work, **SEARCH)
    view = waits(workshop, handle)

    assert view["reason"] == "condition"
    assert view["waiting_info"] == {
        "current_age": 20,
        "target_age": READY_AGE,
        "blocks_remaining": READY_AGE - 20,
    }
    assert view["difficulty_info"]["current_difficulty"] == rules.zeros_at(20, rules.DEFAULT_RANGE)

    chain.stand(START + READY_AGE)
    result = handle.result(timeout=30)

    assert result["proof_of_work"]["hash"].startswith("000")
    assert workshop.job(handle).tries == 0


def test_what_a_waiting_search_shows_follows_the_chain(workshop: Workshop, chain: Chain) -> None:
    handle = workshop.submit(proof_of_work, **SEARCH)
    waits(workshop, handle)

    chain.stand(START + 50)

    def age() -> bool:
        view = handle.job()
        return bool(view["status"] == "waiting" and view["waiting_info"]["current_age"] == 50)

    eventually(age, timeout=20, what="the age to be shown")
    handle.cancel()


@pytest.mark.parametrize("trouble", ["garbage", "back", "hangs"])
def test_trouble_of_the_source_ends_no_wait_and_is_recorded(workshop: Workshop, chain: Chain, trouble: str) -> None:
    handle = workshop.submit(proof_of_work, **SEARCH)
    waits(workshop, handle)
    polls = chain.polls

    if trouble == "garbage":
        chain.say("<html>busy</html>")
    elif trouble == "hangs":
        chain.hang()
    else:
        chain.stand(START + 5)
    eventually(lambda: chain.polls > polls + 1, timeout=20, what="the source to be asked again")
    chain.stand(START + READY_AGE)
    result = handle.result(timeout=30)

    assert result["proof_of_work"]["valid"]
    assert len(result["errors"]) >= 1
    assert set(result["errors"][0]) == {"error", "timestamp"}


def test_a_search_whose_source_never_answered_waits_for_it(workshop: Workshop, chain: Chain) -> None:
    chain.say("not yet", status=503)
    handle = workshop.submit(proof_of_work, **SEARCH)
    job = workshop.until(handle, Status.WAITING)

    assert job.reason is Reason.CONDITION
    chain.stand(START + READY_AGE)
    result = handle.result(timeout=30)
    assert result["proof_of_work"]["valid"]
    assert result["errors"]


def test_a_fall_while_searching_is_used_at_once_and_recorded(
    workshop: Workshop, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "9")
    monkeypatch.setenv("OUTLAST_POW_SEARCH", "hashlib")
    nine = rules.age_for(9, rules.DEFAULT_RANGE)
    chain.stand(START + nine)
    handle = workshop.submit(proof_of_work, **SEARCH, max_iterations=10**11)
    eventually(lambda: handle.job().get("progress", {}).get("done", 0) > 0, timeout=20, what="the search to begin")

    chain.stand(START + rules.age_for(2, rules.DEFAULT_RANGE))
    result = handle.result(timeout=30)

    update = result["difficulty_updates"][0]
    assert (update["old_difficulty"], update["new_difficulty"]) == (9, 2)
    assert set(update) == {"old_difficulty", "new_difficulty", "current_age", "iteration", "timestamp"}
    assert update["iteration"] > 0
    # Of all nonces before the fall the best one was remembered, and it has two zeros.
    assert result["proof_of_work"]["iterations"] < update["iteration"] + 10**6


def test_a_round_that_is_used_up_waits_for_the_next_fall_and_goes_on_from_its_nonce(
    workshop: Workshop, chain: Chain
) -> None:
    # 4,096 nonces must do for three zeros; of these prefixes' first 2,048 none has them.
    entity = next(f"2-{n}" for n in range(100) if not _hits(f"2-{n}BUILD{START}NONCE", 3, 2_100))
    chain.stand(START + READY_AGE)
    handle = workshop.submit(proof_of_work, **{**SEARCH, "entity": entity}, max_iterations=2_048)

    view = waits(workshop, handle)
    assert view["result"]["proof_of_work"]["iterations"] == 2_048
    assert view["waiting_info"]["target_age"] == rules.age_for(2, rules.DEFAULT_RANGE)

    chain.stand(START + rules.age_for(2, rules.DEFAULT_RANGE))
    result = handle.result(timeout=30)

    assert result["proof_of_work"]["valid"]
    assert [update["new_difficulty"] for update in result["difficulty_updates"]] == [2]


def _hits(prefix: str, zeros: int, stop: int) -> bool:
    return any(rules.meets(rules.hash_of(prefix, nonce), zeros) for nonce in range(stop))


def test_when_the_difficulty_falls_no_more_a_search_without_a_hit_fails(workshop: Workshop) -> None:
    entity = next(f"2-{n}" for n in range(500) if not _hits(f"2-{n}BUILD{START}NONCE", 1, 8))
    arguments = {**SEARCH, "entity": entity, "block_height": START + rules.DEFAULT_RANGE, "max_iterations": 8}
    handle = workshop.submit(proof_of_work, **arguments)
    job = workshop.until_ended(handle)

    view = handle.job()
    assert (job.status, job.reason) == (Status.FAILED, Reason.ERROR)
    assert view["result"]["proof_of_work"]["valid"] is False
    assert "stands still" in view["error"]


def test_a_simulated_chain_grows_by_itself(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_DIFFICULTY_START", "3")
    handle = workshop.submit(proof_of_work, **SEARCH, simulate=0.0002)

    view = handle.result(timeout=40)

    assert view["proof_of_work"]["hash"].startswith("000")


def test_many_waiting_searches_ask_as_one_and_hold_no_process(workshop: Workshop, chain: Chain) -> None:
    count = int(os.environ.get("TORTURE_SEARCHES", "30"))
    handles = [workshop.submit(proof_of_work, **{**SEARCH, "entity": f"2-{n}"}) for n in range(count)]
    for handle in handles:
        waits(workshop, handle)
    polls = chain.polls
    attempts = sum(workshop.job(handle).attempt for handle in handles)

    eventually(lambda: chain.polls >= polls + 3, timeout=40, what="three more polls")

    assert sum(workshop.job(handle).attempt for handle in handles) - attempts <= 5
    chain.stand(START + READY_AGE)
    for handle in handles:
        assert handle.result(timeout=60)["proof_of_work"]["valid"]


@pytest.mark.parametrize("point", ["read_gauge:begun", "read_gauge:committed", "wake:begun", "wake:committed"])
def test_a_supervisor_killed_while_it_keeps_a_height_loses_no_wait(
    workshop: Workshop, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    once = tmp_path / "killed"
    monkeypatch.setenv("OUTLAST_CRASH_POINT", point)
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(once))
    handle = workshop.submit(proof_of_work, **SEARCH)
    eventually(once.exists, timeout=20, what=f"a supervisor to die at {point}")
    workshop.start_supervisor()
    waits(workshop, handle)

    chain.stand(START + READY_AGE)

    assert handle.result(timeout=30)["proof_of_work"]["valid"]
