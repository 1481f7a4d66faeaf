"""What a search remembers from attempt to attempt: its cursor, and the result as far as it is known."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST_ERRORS = 20
"""Of errors of the sources the newest are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The cursor.

    `nonce`, `done_above` and `best` are the state of the crew. `iterations` and `computation_ms` are what it took to
    come here, over all attempts. `zeros` and `round_start`: since which nonce so many zeros are searched. `waits`
    numbers the waits. `proof` is the verified hit; `sending` what was noted of sending it, and how often it was tried.
    """

    nonce: int = 0
    done_above: tuple[tuple[int, int], ...] = ()
    best: int | None = None
    iterations: int = 0
    computation_ms: int = 0
    zeros: int | None = None
    round_start: int = 0
    waits: int = 0
    updates: tuple[Mapping[str, Any], ...] = ()
    errors: tuple[Mapping[str, str], ...] = ()
    proof: Mapping[str, Any] | None = None
    sending: Mapping[str, Any] | None = None
    transaction: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, cursor: Mapping[str, Any] | None) -> "Record":
        """Return the record of a saved cursor, the first one for none."""
        return cls() if cursor is None else cls(**cursor)

    def as_cursor(self) -> dict[str, Any]:
        """Return the JSON value to save; what was never set is left out."""
        blank = asdict(Record())
        return {name: value for name, value in asdict(self).items() if value != blank[name] or name == "nonce"}

    def crew_state(self) -> dict[str, Any]:
        """Return what a crew goes on from."""
        return {"next_nonce": self.nonce, "done_above": self.done_above, "best": self.best}

    def result(self, job_id: str, *, status: str | None = None) -> dict[str, Any]:
        """Return the `result` of the job object; without a proof it is a preview, or what is left of a failure."""
        proof = self.proof or {}
        found = {
            "hash": proof.get("hash"),
            "nonce": None if self.proof is None else str(proof["nonce"]),
            "iterations": self.iterations,
            "valid": self.proof is not None,
            "difficulty_met": self.proof is not None,
            "computation_time_ms": self.computation_ms,
        }
        told = {} if status is None else {"status": status}
        lists = {"difficulty_updates": list(self.updates), "errors": list(self.errors)}
        more = {name: value for name, value in lists.items() if value}
        transaction = {} if self.transaction is None else {"transaction": dict(self.transaction)}
        return {"job_id": job_id, **told, "proof_of_work": found, **transaction, **more}
