"""The job `pow`: wait until the search may begin, search, prove the hit, send it, say what it was."""

import os
from collections.abc import Mapping
from time import time
from typing import Any

from outlast import Context, OutlastError, job
from outlast.pow import rules
from outlast.pow.chain.heights import Heights, Simulation, open_heights
from outlast.pow.delivery import deliver
from outlast.pow.hunt import Hunt, is_exhausted
from outlast.pow.patience import next_fall, until_age, until_known
from outlast.pow.record import Record
from outlast.pow.request import Request
from outlast.pow.work import Work

_SIMULATED_START = 1_000
"""The height at which a chain that is none begins if nobody says where the search does."""


class NothingFound(OutlastError):
    """Every nonce that may be tried was tried, and the difficulty falls no more."""


@job("pow")
def proof_of_work(  # noqa: PLR0913 - the public arguments of a search
    ctx: Context,
    *,
    action: str,
    entity: str,
    player: str,
    block_start: int | None = None,
    block_height: int | None = None,
    difficulty: int = rules.DEFAULT_RANGE,
    target_id: str | None = None,
    max_iterations: int = rules.DEFAULT_MAX_ITERATIONS,
    simulate: float | None = None,
    processes: int = 1,
) -> dict[str, Any]:
    """Find a nonce that proves `action` on `entity`, and return the proof once hashlib agrees and it was sent.

    The arguments are those of `Request`.
    """
    request = Request(
        action=action,
        entity=entity,
        player=player,
        block_start=block_start,
        block_height=block_height,
        difficulty=difficulty,
        target_id=target_id,
        max_iterations=max_iterations,
        simulate=simulate,
        processes=processes,
    )
    work = _begin(ctx, request)
    try:
        if work.record.proof is None:
            _find(work)
        transaction = deliver(work)
    except OutlastError:
        ctx.checkpoint(
            work.record.as_cursor(),
            done=work.record.iterations,
            partial=work.record.result(ctx.job_id, status="failed"),
        )
        raise
    return {**work.record.result(ctx.job_id, status="completed"), "transaction": dict(transaction)}


def _find(work: Work) -> None:
    """Wait and search, by turns, until the record holds a proof. Raise CannotBegin or NothingFound."""
    while True:
        height = until_known(work)
        age = work.age_at(height)
        if age < work.age_to_begin:
            until_age(work, work.age_to_begin, height)
            continue
        zeros = work.request.zeros_at(age)
        if not is_exhausted(work.record, zeros=zeros, max_iterations=work.request.max_iterations):
            if Hunt(work, age).find():
                return
            continue
        fall = next_fall(zeros, work.request.difficulty)
        if fall is None or work.request.block_height is not None:
            raise _nothing_found(work.request, zeros)
        until_age(work, fall, height)


def _nothing_found(request: Request, zeros: int) -> NothingFound:
    why = "a fixed height stands still" if request.block_height is not None else "the difficulty falls no further"
    return NothingFound(
        f"None of the {request.max_iterations:,} nonces of max_iterations has {zeros} zeros, and {why}.",
        f"Raise max_iterations: one nonce in {16**zeros:,} has them on average.",
    )


def _begin(ctx: Context, request: Request) -> Work:
    record = Record.of(ctx.cursor)
    heights = _heights(ctx, request)
    work = Work(ctx=ctx, request=request, block_start=request.block_start or 0, heights=heights, record=record)
    if request.block_start is None:
        work.block_start = ctx.step("block_start", lambda: until_known(work).value)
    return work


def _heights(ctx: Context, request: Request) -> Heights:
    simulation = None
    if request.simulate is not None:
        began: Mapping[str, float] = ctx.step("chain begins", lambda: {"at": time()})
        start = _SIMULATED_START if request.block_start is None else request.block_start
        simulation = Simulation(seconds_per_block=request.simulate, start_height=start, started_at=began["at"])
    return open_heights(
        database_url=os.environ.get("DATABASE_URL"),
        api_url=os.environ.get("CONSENSUS_API_URL"),
        cache_dir=ctx.shared_directory,
        block_height=request.block_height,
        simulate=simulation,
    )
