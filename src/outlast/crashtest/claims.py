"""What is claimed, and how a run is judged by it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CLAIMS = {
    "lost": "Nothing that was accepted is lost.",
    "redone": "No finished step ran again.",
    "alone": "No job was run by two processes at once.",
    "sound": "The store is sound.",
    "clean": "No process and no temporary file is left.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the diary: a step began (`in`) or was done (`did`) in an attempt."""

    word: str
    name: str
    step: int
    attempt: int


@dataclass(slots=True)
class Verdict:
    """What was found, by claim; a claim without faults holds."""

    figures: dict[str, int] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=lambda: {claim: [] for claim in CLAIMS})
    unchecked: set[str] = field(default_factory=set)

    @property
    def holds(self) -> bool:
        """True if nothing was found."""
        return not any(self.faults.values())

    def as_json(self) -> dict[str, Any]:
        """Return it for programs; a claim that was not checked holds neither way (null)."""
        claims = [
            {
                "id": claim,
                "claim": text,
                "holds": None if claim in self.unchecked else not self.faults[claim],
                "faults": self.faults[claim],
            }
            for claim, text in CLAIMS.items()
        ]
        return {"ok": self.holds, **self.figures, "claims": claims}


def read_diary(text: str) -> list[Line]:
    """Return the lines of a diary; the last one may be cut."""
    whole = (line.split() for line in text.split("\n")[:-1])
    return [Line(word, name, int(step), int(attempt)) for word, name, step, attempt in whole]


def judge_steps(verdict: Verdict, lines: Sequence[Line], deaths: int) -> None:
    """Judge what the diary says of finished steps: each again at most for a death, none after the next one began."""
    done: dict[tuple[str, int], int] = defaultdict(int)
    begun: dict[tuple[str, int], set[int]] = defaultdict(set)
    newest: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.attempt < newest[line.name]:
            verdict.faults["alone"].append(f"{line.name}: attempt {line.attempt} after attempt {newest[line.name]}")
        newest[line.name] = max(newest[line.name], line.attempt)
        if line.word == "did":
            done[line.name, line.step] += 1
            continue
        begun[line.name, line.step].add(line.attempt)
        # Whoever begins the next step was told that this one is kept.
        if any(attempt < line.attempt for attempt in begun[line.name, line.step + 1]):
            verdict.faults["redone"].append(f"{line.name}: step {line.step} began again in attempt {line.attempt}")
    repeated = sum(times - 1 for times in done.values())
    verdict.figures |= {"steps": sum(done.values()), "repeated": repeated}
    if repeated > deaths:
        verdict.faults["redone"].append(f"{repeated} steps ran twice, with only {deaths} deaths")


def judge_ends(verdict: Verdict, ends: Mapping[str, str], reference: str) -> None:
    """Judge how the accepted jobs have ended, by name; each has to end as the one that nobody killed did."""
    for name, end in ends.items():
        if end != reference:
            verdict.faults["lost"].append(f"{name} {end}; without kills it {reference}")
