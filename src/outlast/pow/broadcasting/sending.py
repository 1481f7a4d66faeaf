"""The contract of sending a proof: what is sent, what may come back, and what is asked after a crash in between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NotRequired, Protocol, TypedDict

from outlast import OutlastError
from outlast.pow import rules

Note = Callable[[dict[str, Any]], None]
"""Makes what it is given durable before it returns."""
Noted = Mapping[str, Any]
"""What the last attempt noted; empty if it noted nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof of work as it is sent. `block_start` and `target_id` (of a raid) say what the hash was made of."""

    action: str
    player: str
    entity: str
    proof: str
    nonce: int
    block_start: int
    target_id: str | None = None

    def __post_init__(self) -> None:
        rules.check_action(self.action)


class Transaction(TypedDict):
    """The `transaction` of the job object."""

    transaction_hash: NotRequired[str]
    transaction_id: NotRequired[int | str]
    status: str
    message: str


class Verdict(StrEnum):
    """What became of an attempt."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The verdict, why it is that one, and for `done` the transaction as far as it is known."""

    verdict: Verdict
    message: str
    transaction: Transaction | None = None


class NotSent(OutlastError):
    """It certainly did not arrive, for a reason that may pass; it may be sent again."""

    code = "busy"
    exit_code = 3


class Refused(OutlastError):
    """The receiver said no: it was not done, and sending the same again changes nothing."""

    code = "refused"


class SentUnknown(OutlastError):
    """It may have arrived. Only `ask` may say that it has not."""


class Target(Protocol):
    """Where proofs are sent."""

    @property
    def name(self) -> str:
        """What it is, for people; without secrets."""

    def send(self, proof: Proof, *, key: str, note: Note) -> Transaction:
        """Send a proof once, and return what the receiver made of it. Raise NotSent, Refused or SentUnknown.

        `key` is the same for every attempt of a job. `note` is called, in the caller's thread and before anything can
        have an effect, with what `ask` needs to know of this attempt; what it raises ends the attempt.
        """

    def ask(self, proof: Proof, *, key: str, noted: Noted) -> Answer:
        """Say what became of the attempt that noted this. Nothing is sent; what cannot be known is `unknown`."""
