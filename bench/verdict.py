"""Whether a target holds: what must be reached, what was, and a table of both."""

import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

Figures = Mapping[str, float]
"""What one round measured, by `source: figure`."""
FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One row: the figure `ours`, or its ratio to the best of `beside`, is to be `at_least` or `at_most` so much.

    A figure is named `source: figure`. `than` begins with the unit. Without a bound the row only tells. `needs` names a
    program, `later` says why nothing can be measured yet, and `cause` why it has missed, and what was tried.
    """

    what: str
    than: str
    at_least: float | None = None
    at_most: float | None = None
    ours: str = ""
    beside: tuple[str, ...] = ()
    needs: str = ""
    later: str = ""
    cause: str = ""

    @property
    def wanted(self) -> str:
        """Say in words what must be reached."""
        if self.bound is None:
            return "–"
        return f"{'≤' if self.at_least is None else '≥'} {self.bound:,} {self.than}".rstrip()

    @property
    def text(self) -> str:
        """Return all its words."""
        return f"{self.what} {self.wanted}"

    @property
    def bound(self) -> float | None:
        """Return the figure of which the target speaks."""
        return self.at_most if self.at_least is None else self.at_least

    @property
    def sources(self) -> tuple[str, ...]:
        """Name what is to be measured for it."""
        return tuple(reference.partition(": ")[0] for reference in (self.ours, *self.beside) if reference)

    def of_round(self, figures: Figures) -> float | None:
        """Return what one round reached; None if it lacks a figure."""
        try:
            ours, beside = figures[self.ours], [figures[reference] for reference in self.beside]
        except KeyError:
            return None
        if not beside:
            return ours
        best = max(beside) if self.at_most is None else min(beside)
        return ours / best if best else None

    def holds(self, reached: float) -> bool:
        """Return whether so much is enough."""
        enough = self.at_least is None or reached >= self.at_least
        return enough and (self.at_most is None or reached <= self.at_most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a run says of a target. `share` is what was reached as a part of the bound, `why` why not enough was."""

    what: str
    wanted: str
    unit: str
    rounds: Sequence[float] = ()
    reached: float | None = None
    share: float | None = None
    verdict: str = "not measured"
    why: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the texts of its line in a table."""
        if self.reached is None:
            return self.what, self.wanted, "–", "–", self.verdict
        share = "–" if self.share is None else f"{self.share:,.0%}".replace("%", " %")
        return self.what, self.wanted, figure(self.reached, self.unit), share, self.verdict


def judge(target: Target, rounds: Iterable[Figures], why: str = "", *, failed: bool = False) -> Row:
    """Return the row of a target: the median over the rounds that have all its figures, and whether that holds.

    `why` says what is missing, or what has failed.
    """
    reached = tuple(value for figures in rounds if (value := target.of_round(figures)) is not None)
    row = Row(what=target.what, wanted=target.wanted, unit=target.than.partition(" ")[0], why=why or target.later)
    if not reached and not row.why:
        return replace(row, verdict=FAILED, why=f"its sources tell no {target.ours!r}")
    if not reached:
        return replace(row, verdict=FAILED) if failed else row
    median = statistics.median(reached)
    share = median / target.bound if target.bound else None
    verdict = _verdict(target, median)
    told = row.why or (target.cause if verdict.startswith("misses") else "")
    return replace(row, rounds=reached, reached=median, share=share, verdict=verdict, why=told)


def _verdict(target: Target, reached: float) -> str:
    if target.bound is None:
        return "for comparison"
    if target.holds(reached):
        return "holds"
    if not target.bound:
        return "misses"
    missing = abs(reached / target.bound - 1)
    return "misses by < 1 %" if missing < 0.01 else f"misses by {missing * 100:,.0f} %"


def figure(value: float, unit: str) -> str:
    """Return a figure with as many digits as it deserves, and its unit."""
    digits = 0 if value >= 100 or value == 0 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f} {unit}".rstrip()


HEADS = ("what", "target", "reached", "of target", "verdict")


def terminal_table(rows: Sequence[Row]) -> str:
    """Return lines of at most 100 characters, with the reasons below."""
    lines = [HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    text = [
        "  ".join(
            cell.rjust(width) if column in (2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "  ".join("─" * width for width in widths))
    notes = [textwrap.fill(reason, 100, subsequent_indent="  ") for reason in reasons(rows)]
    return "\n".join([*text, "", *notes, summary(rows)])


def markdown_table(rows: Sequence[Row]) -> str:
    """Return the same for a page."""
    lines = [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(
        [f"| {' | '.join(HEADS)} |", "|---|---|---:|---:|---|", *lines, "", *reasons(rows), "", summary(rows)]
    )


def reasons(rows: Sequence[Row]) -> list[str]:
    """Say why something was not measured or missed, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row.why:
            by_reason.setdefault(row.why, []).append(row.what)
    return [f"* {'; '.join(dict.fromkeys(names))}: {why}" for why, names in by_reason.items()]


def summary(rows: Sequence[Row]) -> str:
    """Count the verdicts."""
    words = {"holds": "hold", "misses": "miss", "not measured": "not measured", FAILED: "failed"}
    counts = {word: sum(row.verdict.startswith(verdict) for row in rows) for verdict, word in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items()) + "."
