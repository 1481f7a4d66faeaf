"""The job `pow`: check that the search may begin, search from the cursor on, prove the hit, say what it was."""

import os
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Any

from outlast import Context, OutlastError, job
from outlast.pow import rules
from outlast.pow.request import Request, check_difficulty
from outlast.pow.rules import Puzzle, WrongPuzzle
from outlast.pow.search import first_hit

NONCES_PER_CHECKPOINT = 10_000
"""A few milliseconds of work: so much is searched between two offers to save."""
DEFAULT_ZEROS_TO_START = 5
_TRUE = frozenset({"1", "true", "yes", "on"})


class NothingFound(OutlastError):
    """Every nonce that may be tried was tried."""


class WrongProof(OutlastError):
    """The hit of the search proves nothing: the search itself is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The cursor: the next nonce, and what it took to come there over all attempts."""

    nonce: int = 0
    iterations: int = 0
    computation_ms: int = 0


@job("pow")
def proof_of_work(  # noqa: PLR0913 - the public arguments of a search
    ctx: Context,
    *,
    action: str,
    entity: str,
    player: str,
    block_start: int,
    block_height: int,
    difficulty: int = rules.DEFAULT_RANGE,
    target_id: str | None = None,
    max_iterations: int = rules.DEFAULT_MAX_ITERATIONS,
) -> dict[str, Any]:
    """Find the first nonce that proves `action` on `entity`, and return the proof once hashlib agrees.

    The arguments are those of `Request`. The height stands still: if the search may not begin at it, the job fails.
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
    )
    zeros_to_start = _zeros_to_start()
    ctx.publish(difficulty_info=request.difficulty_at_start(zeros_to_start))
    try:
        check_difficulty(request, zeros_to_start)
        return _search(ctx, request)
    except OutlastError:
        tried = _tried(ctx)
        ctx.checkpoint(asdict(tried), done=tried.iterations, partial=_result(ctx, tried, status="failed"))
        raise


def _search(ctx: Context, request: Request) -> dict[str, Any]:
    puzzle, zeros = request.puzzle, request.zeros
    prefix = puzzle.prefix.encode()
    message = f"{zeros} zeros: one nonce in {16**zeros:,} on average"
    began, before = monotonic(), _tried(ctx)
    ctx.log.info("Attempt %d searches %s from nonce %d on.", ctx.attempt, puzzle.prefix, before.nonce)
    tried = before
    while tried.iterations < request.max_iterations:
        stop = tried.nonce + min(NONCES_PER_CHECKPOINT, request.max_iterations - tried.iterations)
        hit = first_hit(prefix, zeros, tried.nonce, stop)
        if hit is not None:
            found = _after(before, nonce=hit + 1, since=began)
            # The cursor stays before the hit: saved behind it, just before the process dies, it would skip the hit.
            ctx.checkpoint(asdict(tried), done=found.iterations, message=message)
            result = _result(ctx, found, status="completed", proof=(hit, _proof_of(puzzle, hit, zeros)))
            return {**result, "transaction": _transaction()}
        tried = _after(before, nonce=stop, since=began)
        ctx.checkpoint(asdict(tried), done=tried.iterations, message=message, partial=_result(ctx, tried))
    raise NothingFound(
        f"None of the {request.max_iterations:,} nonces of max_iterations has {zeros} zeros, and a fixed height "
        "stands still.",
        f"Raise max_iterations: one nonce in {16**zeros:,} has them on average.",
    )


def _tried(ctx: Context) -> Tried:
    return Tried() if ctx.cursor is None else Tried(**ctx.cursor)


def _after(before: Tried, *, nonce: int, since: float) -> Tried:
    """Return what was tried once this attempt, begun at `since`, stands before `nonce`."""
    return replace(
        before,
        nonce=nonce,
        iterations=before.iterations + nonce - before.nonce,
        computation_ms=before.computation_ms + round((monotonic() - since) * 1000),
    )


def _proof_of(puzzle: Puzzle, nonce: int, zeros: int) -> str:
    """Return the hash of a hit, computed anew in the plainest way. Raise WrongProof if it does not prove it."""
    hash_hex = rules.hash_of(puzzle.prefix, nonce)
    if not rules.meets(hash_hex, zeros):
        raise WrongProof(f"sha256 of {puzzle.prefix}{nonce} is {hash_hex}, without {zeros} zeros.", "Report this.")
    return hash_hex


def _result(
    ctx: Context, tried: Tried, *, status: str | None = None, proof: tuple[int, str] | None = None
) -> dict[str, Any]:
    """Return the `result` of the job object; without a proof it is a preview, or what is left of a failure."""
    nonce, hash_hex = (None, None) if proof is None else proof
    found = {
        "hash": hash_hex,
        "nonce": None if nonce is None else str(nonce),
        "iterations": tried.iterations,
        "valid": proof is not None,
        "difficulty_met": proof is not None,
        "computation_time_ms": tried.computation_ms,
    }
    told = {} if status is None else {"status": status}
    return {"job_id": ctx.job_id, **told, "proof_of_work": found}


def _transaction() -> dict[str, str]:
    if os.environ.get("DANGER", "").strip().lower() in _TRUE:
        return {"status": "skipped", "message": "Not broadcast: this version does not broadcast proofs yet."}
    return {"status": "skipped", "message": "Not broadcast: DANGER is not true. Set DANGER=true to turn it on."}


def _zeros_to_start() -> int:
    """Return with how many zeros a search may begin: TARGET_DIFFICULTY_START, as it is where the job runs."""
    text = os.environ.get("TARGET_DIFFICULTY_START", "").strip() or str(DEFAULT_ZEROS_TO_START)
    if not text.isdecimal() or not 1 <= int(text) <= rules.HASH_DIGITS:
        raise WrongPuzzle(f"TARGET_DIFFICULTY_START is {text!r:.40}.", f"Use 1 to {rules.HASH_DIGITS}.")
    return int(text)
