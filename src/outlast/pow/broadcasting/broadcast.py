"""Where OUTLAST_BROADCAST sends proofs: `signer`, an `https://` address, or `dry-run`."""

from dataclasses import dataclass

from outlast.pow.broadcasting.receiver import Receiver
from outlast.pow.broadcasting.sending import (
    Answer,
    Note,
    Noted,
    NotSent,
    Proof,
    Refused,
    SentUnknown,
    Target,
    Transaction,
    Verdict,
)
from outlast.pow.broadcasting.signer import Signer
from outlast.pow.network.addresses import BadAddress, parse_address
from outlast.pow.network.database import DatabaseFailed, read_login
from outlast.pow.rules import WrongPuzzle

__all__ = [
    "Answer",
    "NotSent",
    "Note",
    "Noted",
    "Proof",
    "Refused",
    "SentUnknown",
    "Target",
    "Transaction",
    "Verdict",
    "open_target",
]

_WORDS = "Use signer, https://… or dry-run."


class WrongTarget(WrongPuzzle):
    """OUTLAST_BROADCAST names nothing that proofs can be sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Sends nothing."""

    @property
    def name(self) -> str:
        return "dry-run"

    def send(self, proof: Proof, *, key: str, note: Note) -> Transaction:
        """Say what would have been sent; nothing is noted either."""
        message = f"Not sent: OUTLAST_BROADCAST is dry-run. It was {proof.action} of {proof.entity} for {proof.player}."
        return Transaction(status="dry-run", message=message)

    def ask(self, proof: Proof, *, key: str, noted: Noted) -> Answer:
        """Say that nothing was done, unless another target has noted something."""
        if noted:
            return Answer(verdict=Verdict.UNKNOWN, message="It was not a dry run that was begun.")
        return Answer(verdict=Verdict.NOT_DONE, message="Nothing was sent.")


def open_target(text: str, database_url: str | None) -> Target:
    """Return the target that OUTLAST_BROADCAST names. Raise WrongTarget; its message holds no password."""
    word = text.strip()
    if word == "dry-run":
        return DryRun()
    if word == "signer":
        return _signer(database_url)
    if "://" not in word:
        # A long one may be an address with a password in it, written wrongly.
        shown = f"is {word!r}" if len(word) <= 16 else "names no target"
        raise WrongTarget(f"OUTLAST_BROADCAST {shown}.", _WORDS)
    try:
        address = parse_address(word)
    except BadAddress as error:
        raise WrongTarget(f"OUTLAST_BROADCAST {error}.", _WORDS) from None
    if address.scheme != "https" and not address.is_loopback:
        raise WrongTarget(f"OUTLAST_BROADCAST is {address.shown}, where anybody can listen.", "Use https://.")
    return Receiver(address=address)


def _signer(database_url: str | None) -> Signer:
    if not database_url or not database_url.strip():
        raise WrongTarget(
            "OUTLAST_BROADCAST is signer, but DATABASE_URL is not set.",
            "Set DATABASE_URL to the signer's PostgreSQL, or OUTLAST_BROADCAST to https://… or dry-run.",
        )
    try:
        read_login(database_url)
    except DatabaseFailed as error:
        raise WrongTarget(f"The signer cannot be used: DATABASE_URL: {error}.", _WORDS) from None
    return Signer(database_url)
