"""What the demo says, each as a claim that this run has checked or not, and what it did to the processes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

CLAIMS = {
    "saved": "Both jobs saved how far they were while they ran.",
    "activities": "The killed activities went on in a new process.",
    "supervisor": "A killed supervisor was replaced; the jobs lived on.",
    "search": "The killed search went on from its saved nonce.",
    "asked": "With nothing else alive, a fresh process read the saved state.",
    "everything": "After everything was killed, a fresh process resumed it.",
    "redone": "No finished activity ran again.",
    "ten": "All ten activities are done.",
    "checklist": "The checklist's JSON on disk shows all ten completed.",
    "proof": "hashlib confirms the proof; its nonce is the one known before.",
    "view": "jobs.json on disk shows both jobs completed.",
    "clean": "No process of the demo is left, nor a file it was not to keep.",
}
"""Every claim, in the order in which it is shown. One that was not reached counts as false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One SIGKILL, with what was saved when its victim was dead, and what was saved first after that."""

    pid: int
    role: str
    job: str | None
    nonce_before: int
    steps_before: int
    nonce_after: int | None = None
    steps_after: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim holds, and what was seen."""

    holds: bool
    evidence: dict[str, Any]


@dataclass(slots=True)
class Report:
    """Everything the demo did and found out."""

    kills: list[Kill] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    missed: str = ""
    """Why the rest of the claims was not reached; empty if all were."""

    def judge(self, claim: str, holds: bool, **evidence: Any) -> None:
        """Note whether a claim holds; once false, it stays false."""
        known = self.verdicts.get(claim)
        self.verdicts[claim] = Verdict(holds and (known is None or known.holds), evidence)

    def verdict(self, claim: str) -> Verdict:
        """Return the verdict on a claim; one that was not reached does not hold."""
        return self.verdicts.get(claim) or Verdict(False, {"not_checked": self.missed or "the demo did not get there"})

    @property
    def holds(self) -> bool:
        """True if every claim was checked and is true."""
        return all(self.verdict(claim).holds for claim in CLAIMS)

    def as_json(self) -> dict[str, Any]:
        """Return the kills and the claims."""
        claims = [
            {"id": claim, "claim": text, "holds": self.verdict(claim).holds, "evidence": self.verdict(claim).evidence}
            for claim, text in CLAIMS.items()
        ]
        return {"ok": self.holds, "kills": [asdict(kill) for kill in self.kills], "claims": claims}


@dataclass(frozen=True, slots=True)
class Witness:
    """What the witness file says: a line each time an activity began; `marks` are its lengths at the kills."""

    lines: Sequence[str]

    @property
    def names(self) -> list[str]:
        return [line.split()[0] for line in self.lines]

    def repeated(self) -> list[str]:
        """Return the activities that began more than once."""
        return [name for name, times in Counter(self.names).items() if times > 1]

    def redone(self, finished: Iterable[tuple[int, Sequence[str]]]) -> list[str]:
        """Return what began again although it was finished; `finished` holds, for each kill, how many lines there
        were and what was saved as finished."""
        return sorted({name for lines, done in finished for name in self.names[lines:] if name in done})
