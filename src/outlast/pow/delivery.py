"""Sending a proof at most once: what is intended is saved first, and what is unknown is never sent again by itself."""

import json
import os
from collections.abc import Mapping
from typing import Any

from outlast import OutlastError
from outlast.crashpoint import crash_point
from outlast.pow.broadcasting.broadcast import (
    Answer,
    NotSent,
    Proof,
    SentUnknown,
    Target,
    Transaction,
    Verdict,
    open_target,
)
from outlast.pow.work import Work

_TRUE = frozenset({"1", "true", "yes", "on"})
_MOST_TRIES = 5
_FIRST_PAUSE_SECONDS = 10


class BroadcastUnknown(OutlastError):
    """Whether the proof was sent cannot be known."""

    failed_reason = "broadcast_unknown"


def deliver(work: Work) -> Mapping[str, Any]:
    """Return the `transaction` of the job: what became of sending the proof, or that it is switched off.

    Raise BroadcastUnknown if it may have been sent and nobody can tell, Refused if the receiver said no, NotSent after
    several tries.
    """
    if work.record.transaction is not None:
        return work.record.transaction
    if os.environ.get("DANGER", "").strip().lower() not in _TRUE:
        return {"status": "skipped", "message": "Not broadcast: DANGER is not true. Set DANGER=true to turn it on."}
    target = open_target(os.environ.get("OUTLAST_BROADCAST") or "signer", os.environ.get("DATABASE_URL"))
    transaction = _earlier(work, target) or _send(work, target)
    work.change(transaction=transaction)
    work.save(now=True)
    crash_point("pow:delivered")
    return transaction


def send_again(cursor: str) -> str:
    """Return the cursor of a search whose broadcast is unknown so that its next attempt sends the proof once more."""
    record = json.loads(cursor)
    return json.dumps({**record, "sending": {**(record.get("sending") or {}), "again": True}})


def _earlier(work: Work, target: Target) -> Transaction | None:
    """Return the transaction of an attempt that was begun and not heard of; None if there was none, or it failed."""
    sending = work.record.sending or {}
    if sending.get("noted") is None:
        return None
    answer = target.ask(_proof_of(work), key=_key(work), noted=sending["noted"])
    if answer.verdict is Verdict.UNKNOWN and sending.get("again"):
        return None
    return _transaction_of(work, answer)


def _transaction_of(work: Work, answer: Answer) -> Transaction | None:
    if answer.verdict is Verdict.NOT_DONE:
        return None
    if answer.transaction is not None:
        return answer.transaction
    raise BroadcastUnknown(
        f"Whether the proof was broadcast is unknown: {answer.message}",
        f"Look at the chain; if it is not there, `outlast retry {work.ctx.job_id} --broadcast` sends it.",
    )


def _send(work: Work, target: Target) -> Transaction:
    def note(noted: Mapping[str, Any]) -> None:
        work.change(sending={"noted": noted, "tries": _tries(work)})
        work.save(now=True, message=f"broadcasting to {target.name}")
        crash_point("pow:noted")

    while True:
        try:
            transaction = target.send(_proof_of(work), key=_key(work), note=note)
            crash_point("pow:sent")
            return transaction
        except SentUnknown:
            answer = target.ask(_proof_of(work), key=_key(work), noted=(work.record.sending or {}).get("noted") or {})
            if (found := _transaction_of(work, answer)) is not None:
                return found
        except NotSent as error:
            _count(work, error)
        _pause(work)


def _count(work: Work, error: NotSent) -> None:
    """Note a try of which nothing arrived. Raise the error if it was the last."""
    tries = _tries(work) + 1
    work.change(sending={"noted": None, "tries": tries})
    work.note_errors(error.message)
    work.save(now=True)
    if tries >= _MOST_TRIES:
        raise error


def _pause(work: Work) -> None:
    tries = max(1, _tries(work))
    work.ctx.wait(_FIRST_PAUSE_SECONDS * 2 ** (tries - 1), name=f"send {tries}", waits_for="sending again")


def _tries(work: Work) -> int:
    return int((work.record.sending or {}).get("tries", 0))


def _key(work: Work) -> str:
    return f"{work.ctx.job_id}:broadcast"


def _proof_of(work: Work) -> Proof:
    proof = work.record.proof or {}
    return Proof(
        action=work.request.action,
        player=work.request.player,
        entity=work.request.entity,
        proof=proof["hash"],
        nonce=proof["nonce"],
        block_start=work.block_start,
        target_id=work.request.target_id,
    )
