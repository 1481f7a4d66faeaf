"""The target `signer`: a function in PostgreSQL that signs and broadcasts, called in one transaction.

What makes it askable is the transaction's number. It is taken first and noted, and afterwards the server itself knows
whether that transaction was committed. Two things could make it lie, and are seen to:

* A server that crashes gives out again the numbers it had not written down. So the number is flushed to its disk before
  it is noted (decision 0016).
* A standby that takes over, or a restored copy, goes on from an older point. So the noted place (system, database,
  timeline) must be the place that is asked.
"""

import time
from collections.abc import Mapping
from types import MappingProxyType
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
from outlast.pow.broadcasting.transactions import MESSAGE, from_fields, from_text
from outlast.pow.network.database import DatabaseFailed, Row, Session

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "struct_build_complete": "tx_struct_build_complete",
        "planet_raid_complete": "tx_planet_raid_complete",
        "ore_miner_complete": "tx_struct_ore_mine_complete",
        "ore_refinery_complete": "tx_struct_ore_refine_complete",
    }
)
"""The function in the schema `signer` for each action; it is given player, entity, proof and nonce."""

PATIENCE_SECONDS = 30.0
"""How long one call to the database may take."""
IN_PROGRESS_SECONDS = 5.0
"""How long a question waits for a transaction that has not ended: that of a killed process ends soon."""
_PAUSE_SECONDS = 0.1
_OLDEST_VERSION = 130000

_PLACE = (
    "SELECT system_identifier::text, current_database()::text,"
    " left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) FROM pg_control_system()"
)
_WRITE_NUMBER = "SELECT pg_current_xact_id()::text, pg_logical_emit_message(true, 'outlast', %s)"
_WRITE_MORE = "SELECT pg_logical_emit_message(true, 'outlast', '')"
_COMMIT_HERE = "SET LOCAL synchronous_commit = local"
_COMMIT_FOR_GOOD = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)
_STATUS = "SELECT pg_xact_status(%s::text::xid8)"
_MAY_PASS = ("08", "40", "53", "55", "57", "58", "25")
"""Classes of errors that say nothing about the proof: connection, conflict, resources, locks, operators, system."""
_MEND = "Look at DATABASE_URL and the database it names; the proof is kept."


class Signer:
    """Sends proofs by calling the function of their action."""

    def __init__(
        self,
        database_url: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        in_progress_seconds: float = IN_PROGRESS_SECONDS,
    ) -> None:
        self._url = database_url
        self._seconds = patience_seconds
        self._in_progress_seconds = in_progress_seconds

    @property
    def name(self) -> str:
        return "signer"

    def send(self, proof: Proof, *, key: str, note: Note) -> Transaction:
        """Call the function in a transaction whose number was noted. Raise NotSent, Refused or SentUnknown."""
        with self._begin() as session:
            noted = self._number(session, key)
            crash_point("broadcast:numbered")
            note(noted)
            crash_point("broadcast:noted")
            transaction = self._call(session, proof)
            crash_point("broadcast:called")
            try:
                session.commit()
            except DatabaseFailed as error:
                lost = error
            else:
                crash_point("broadcast:committed")
                return transaction
        return self._after_lost_answer(lost, proof, noted, transaction)

    def ask(self, proof: Proof, *, key: str, noted: Noted) -> Answer:
        """Ask the server what became of the transaction whose number was noted."""
        if not noted:
            return Answer(verdict=Verdict.NOT_DONE, message="Nothing was noted, so nothing was called.")
        try:
            with Session(self._url, seconds=self._seconds) as session:
                here = _place(session)
                if noted != {"target": self.name, "xid": noted.get("xid"), **here}:
                    return _unknown("The database is not the one it was sent to, or was restored or replaced since.")
                return self._verdict(session, str(noted.get("xid")))
        except DatabaseFailed as error:
            return _unknown(f"The database cannot say: {error}.")

    def _begin(self) -> Session:
        try:
            return Session(self._url, seconds=self._seconds)
        except DatabaseFailed as error:
            raise NotSent(f"The proof was not sent: {error}.", _MEND) from None

    def _number(self, session: Session, key: str) -> dict[str, Any]:
        """Return what identifies this transaction, once the server can no longer forget its number."""
        if session.version < _OLDEST_VERSION:
            raise NotSent("The proof was not sent: the signer needs PostgreSQL 13 or later.", "Upgrade the database.")
        try:
            place = _place(session)
            session.ask(_COMMIT_FOR_GOOD)
            xid = session.ask(_WRITE_NUMBER, key[:200])[0][0]
            # What is committed later is flushed later: with this, everything written before it is on the disk.
            with Session(self._url, seconds=self._seconds) as flushing:
                flushing.ask(_COMMIT_HERE)
                flushing.ask(_WRITE_MORE)
                flushing.commit()
        except DatabaseFailed as error:
            raise NotSent(f"The proof was not sent: {error}.", _MEND) from None
        return {"target": self.name, "xid": xid, **place}

    def _call(self, session: Session, proof: Proof) -> Transaction:
        function = FUNCTIONS[proof.action]
        try:
            rows = session.ask(
                f"SELECT signer.{function}(%s, %s, %s, %s) AS result",
                *(proof.player, proof.entity, proof.proof, str(proof.nonce)),
            )
        except DatabaseFailed as error:
            raise _not_done(error, f"signer.{function}") from None
        return from_text(_first(rows))

    def _after_lost_answer(
        self, lost: DatabaseFailed, proof: Proof, noted: Noted, transaction: Transaction
    ) -> Transaction:
        """Ask at once, over a new connection, what became of a COMMIT whose answer did not come."""
        answer = self.ask(proof, key="", noted=noted)
        if answer.verdict is Verdict.DONE:
            return transaction
        if answer.verdict is Verdict.NOT_DONE:
            raise _not_done(lost, "COMMIT")
        raise SentUnknown(
            f"Whether the proof was sent is unknown: {lost} to COMMIT. {answer.message}",
            "Look into the signer's tables before it is sent again.",
        )

    def _verdict(self, session: Session, xid: str) -> Answer:
        deadline = time.monotonic() + self._in_progress_seconds
        while (status := _first(session.ask(_STATUS, xid))) == "in progress" and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        if status == "committed":
            message = f"{MESSAGE}; its answer was lost, but transaction {xid} of the database was committed"
            return Answer(verdict=Verdict.DONE, message=message, transaction=from_fields({"message": message}))
        if status == "aborted":
            return Answer(verdict=Verdict.NOT_DONE, message=f"Transaction {xid} of the database was rolled back.")
        told = "is still in progress" if status else "is too old to be known"
        return _unknown(f"Transaction {xid} of the database {told}.")


def _place(session: Session) -> dict[str, str | None]:
    return dict(zip(("system", "database", "timeline"), session.ask(_PLACE)[0], strict=True))


def _first(rows: list[Row]) -> str | None:
    return rows[0][0] if rows and rows[0] else None


def _unknown(message: str) -> Answer:
    return Answer(verdict=Verdict.UNKNOWN, message=message)


def _not_done(error: DatabaseFailed, what: str) -> NotSent | Refused:
    """Return what a call that was certainly rolled back is to its caller."""
    if not error.sqlstate or error.sqlstate.startswith(_MAY_PASS):
        return NotSent(f"The proof was not sent: {what}: {error}.", _MEND)
    return Refused(f"The signer refused the proof: {what}: {error}.", "The proof is kept; see what the signer wants.")
