"""What only a proof of work has to tell: how its difficulty fell, what it found, and whether that was sent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from outlast.clients.render.progress import number
from outlast.clients.render.story.values import Entry
from outlast.clients.render.story.wording import ended
from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.core.moments import Moment, from_iso

KIND = "pow"
_SHOWN_HASH = 16


def difficulty_falls(job: Job) -> Iterator[Entry]:
    """Yield an entry for each time less became enough while it searched."""
    updates = _result(job).get("difficulty_updates")
    for update in updates if isinstance(updates, list) else []:
        at = _moment(update.get("timestamp")) if isinstance(update, dict) else None
        if at is not None:
            yield Entry(at=at, text=_fall(update), event="difficulty", attempt=0)


def _fall(update: Mapping[str, Any]) -> str:
    old, new = update.get("old_difficulty"), update.get("new_difficulty")
    age, nonces = update.get("current_age"), update.get("iteration")
    at_age = f" at age {number(age)}" if _is_number(age) else ""
    tried = f", after {number(nonces)} nonces" if _is_number(nonces) else ""
    return f"The difficulty fell from {old} to {new} zeros{at_age}{tried}."


def proof_sentences(job: Job) -> Iterator[str]:
    """Yield what a finished or failed search found, and what became of it."""
    result = _result(job)
    proof = result.get("proof_of_work")
    if isinstance(proof, dict):
        yield from _proof(proof)
    sent = result.get("transaction")
    if isinstance(sent, dict):
        yield from _transaction(sent)


def _proof(proof: Mapping[str, Any]) -> Iterator[str]:
    tried = f"{number(proof['iterations'])} nonces were tried" if _is_number(proof.get("iterations")) else ""
    if proof.get("valid") and isinstance(proof.get("hash"), str):
        yield f"Nonce {proof.get('nonce')} proves it (hash {proof['hash'][:_SHOWN_HASH]}…){tried and '; ' + tried}."
    elif tried:
        yield f"No proof was found; {tried}."


def _transaction(sent: Mapping[str, Any]) -> Iterator[str]:
    told = str(sent.get("message") or f"Broadcast: {sent.get('status')}")
    name = sent.get("transaction_hash")
    yield ended(f"{told.removesuffix('.')}{f' (transaction {name})' if name else ''}")


def search_sentence(job: Job) -> str:
    """Return how hard the search is right now; empty if it does not say."""
    facts = (job.extra or {}).get("difficulty_info")
    zeros = facts.get("current_difficulty") if isinstance(facts, dict) else None
    if not isinstance(zeros, int) or isinstance(zeros, bool) or not 0 < zeros <= 64:
        return ""
    return f"It searches a hash that begins with {zeros} zeros: one nonce in {number(float(16**zeros))} has one."


def _result(job: Job) -> Mapping[str, Any]:
    if job.kind != KIND or not job.result:
        return {}
    try:
        value = json.loads(job.result)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moment(value: object) -> Moment | None:
    if isinstance(value, str):
        try:
            return from_iso(value)
        except (UsageError, OverflowError):
            return None
    return int(value) if _is_number(value) and 0 < value < 2**53 else None
