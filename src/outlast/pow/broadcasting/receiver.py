"""The target `https://…`: a receiver of proofs that anybody can write.

A proof is one POST to the address, with the header `Idempotency-Key` (visible ASCII, at most 200 characters, the same
for every attempt of a job) and a body of JSON:

    {"action": "planet_raid_complete", "player": "1-11", "entity": "9-2", "target": "2-7", "block_start": 1000,
     "proof": "0000000abc…", "nonce": "12345"}

`target` is there for a raid only. The receiver writes the key down before it does anything with the proof, does
nothing for a key it knows but repeat its answer, and answers an object in JSON, in which nothing is required:

    {"transaction_hash": "0x…", "transaction_id": 123, "status": "broadcast", "message": "…"}

| answer to the POST | is taken for |
|---|---|
| 2xx with an object in JSON | done |
| 4xx but 408, 409, 425, 429; 301, 307, 308 | refused: certainly not done |
| 425, 429, 503 with `"status": "not_processed"` | certainly not done, and may be sent again |
| anything else, or none | unknown, unless nothing of the request was sent |

429 and 503 alone prove nothing: a gateway also says them when it gave up on a receiver that has the proof.

After a crash in between the question is `GET <address>?idempotency_key=<key>`: 200 with an object in JSON means that
the key was written down, 404 that it was not; anything else is unknown.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from outlast.crashpoint import crash_point
from outlast.pow.broadcasting.sending import (
    Answer,
    Note,
    Noted,
    NotSent,
    Proof,
    Refused,
    SentUnknown,
    Transaction,
    Verdict,
)
from outlast.pow.broadcasting.transactions import MESSAGE, from_fields
from outlast.pow.network.addresses import Address
from outlast.pow.network.exchange import LostAnswer, NoConnection, Reply, Request, exchange
from outlast.pow.network.safetext import masked, one_line

PATIENCE_SECONDS = 30.0
"""How long one request may take."""
_LONGEST_KEY = 200
_MAY_PASS = frozenset({425, 429, 503})
_MOVED = frozenset({301, 307, 308})
_SAYS_NOTHING = frozenset({408, 409, 425, 429})
_KEPT = "The proof is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Sends proofs to an address."""

    address: Address
    patience_seconds: float = PATIENCE_SECONDS

    @property
    def name(self) -> str:
        return self.address.shown

    @property
    def _noted(self) -> dict[str, Any]:
        """What says where it was sent: the query may name another network, and may be secret."""
        query = hashlib.sha256(self.address.query.encode()).hexdigest()[:16]
        return {"target": self.name, "query": query}

    def send(self, proof: Proof, *, key: str, note: Note) -> Transaction:
        """POST the proof. Raise NotSent, Refused or SentUnknown."""
        headers = {"Idempotency-Key": wire_key(key), "Content-Type": "application/json"}
        request = Request(method="POST", address=self.address, headers=headers, body=body_of(proof))
        note(self._noted)
        crash_point("broadcast:noted")
        try:
            reply = exchange(request, seconds=self.patience_seconds)
        except NoConnection as error:
            raise NotSent(f"The proof was not sent to {self.name}: {error}.", f"{_KEPT} Try again later.") from None
        except LostAnswer as error:
            raise self._unknown(f"{error}") from None
        crash_point("broadcast:answered")
        return self._transaction(reply)

    def ask(self, proof: Proof, *, key: str, noted: Noted) -> Answer:
        """Ask the receiver whether it has written the key down."""
        if not noted:
            return Answer(verdict=Verdict.NOT_DONE, message="Nothing was noted, so nothing was sent.")
        if noted != self._noted:
            return Answer(verdict=Verdict.UNKNOWN, message=f"It was not sent to {self.name}, but somewhere else.")
        address = self.address.asking("idempotency_key", wire_key(key))
        try:
            reply = exchange(Request(method="GET", address=address), seconds=self.patience_seconds)
        except (NoConnection, LostAnswer) as error:
            return Answer(verdict=Verdict.UNKNOWN, message=f"{self.name} cannot say: {error}.")
        fields = _object(reply)
        if reply.status == 200 and fields is not None:
            transaction = from_fields({"message": f"{MESSAGE}; asked after its answer was lost"} | fields)
            return Answer(verdict=Verdict.DONE, message=f"{self.name} has it.", transaction=transaction)
        if reply.status == 404:
            return Answer(verdict=Verdict.NOT_DONE, message=f"{self.name} knows nothing of it.")
        return Answer(verdict=Verdict.UNKNOWN, message=f"{self.name} {self._said(reply)}, which is no answer to that.")

    def _transaction(self, reply: Reply) -> Transaction:
        fields = _object(reply)
        if 200 <= reply.status < 300 and fields is not None:
            return from_fields(fields)
        if reply.status in _MAY_PASS and (fields or {}).get("status") == "not_processed":
            raise NotSent(f"{self.name} {self._said(reply)}: it did not take the proof.", f"{_KEPT} Try again later.")
        if reply.status in _MOVED:
            raise Refused(
                f"{self.name} {self._said(reply)}: it has moved.", "Set OUTLAST_BROADCAST to its new address."
            )
        if 400 <= reply.status < 500 and reply.status not in _SAYS_NOTHING:
            raise Refused(f"{self.name} refused the proof: it {self._said(reply)}.", f"{_KEPT} See what it wants.")
        raise self._unknown(f"it {self._said(reply)}")

    def _said(self, reply: Reply) -> str:
        """Return the answer in words: the status, and the message or whatever else the body begins with."""
        message = (_object(reply) or {}).get("message")
        text = message if isinstance(message, str) else reply.body.decode("utf-8", errors="replace")
        line = one_line(masked(text, self.address.secrets), 120)
        return f"answered {reply.status} {line!r}" if line else f"answered {reply.status}"

    def _unknown(self, cause: str) -> SentUnknown:
        return SentUnknown(
            f"Whether {self.name} has the proof is unknown: {cause}.", "Ask the receiver before it is sent again."
        )


def body_of(proof: Proof) -> bytes:
    """Return a proof as it is posted."""
    target = {} if proof.target_id is None else {"target": proof.target_id}
    fields: dict[str, Any] = {
        "action": proof.action,
        "player": proof.player,
        "entity": proof.entity,
        **target,
        "block_start": proof.block_start,
        "proof": proof.proof,
        "nonce": str(proof.nonce),
    }
    return json.dumps(fields).encode()


def wire_key(key: str) -> str:
    """Return the key as it is sent: itself if a header can carry it, else its digest."""
    if 0 < len(key) <= _LONGEST_KEY and all("!" <= letter <= "~" for letter in key):
        return key
    return "sha256-" + hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def _object(reply: Reply) -> dict[str, Any] | None:
    """Return the object that a body is; None if it is none."""
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
