"""The height of the chain: from a database, a server, an estimate of ours, or as it was said on the command line."""

import hashlib
import math
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from outlast import OutlastError
from outlast.pow.chain import clock as clocks
from outlast.pow.chain.clock import Clock
from outlast.pow.chain.polls import Poll, SharedPolls, Told
from outlast.pow.chain.sources import ask_database, ask_server
from outlast.pow.rules import WrongPuzzle, check_number

PATIENCE_SECONDS = 4.0
"""How long one look at one source may take."""
SECONDS_PER_BLOCK = 5
"""What an estimate reckons with while no source answers."""


class NoHeightSource(OutlastError):
    """Nothing says where heights come from."""

    code = "usage"


class HeightUnknown(OutlastError):
    """No source answers, and none ever has."""

    code = "busy"
    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Height:
    """A height and where it is from.

    `at` is when it was true, in epoch seconds. `source` is database, http, estimate, fixed or simulated. `errors`
    tells of each source that failed in this look, `notes` of what is strange about the height.
    """

    value: int
    at: float
    source: str
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A chain that is none: a block every so many seconds, from a height and a moment (epoch seconds) on."""

    seconds_per_block: float
    start_height: int
    started_at: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds_per_block) and self.seconds_per_block > 0):
            raise WrongPuzzle(f"{self.seconds_per_block!r} is no time for a block.", "Use seconds above zero.")
        check_number("The start height", self.start_height, 0)

    def height_at(self, epoch_seconds: float) -> int:
        """Return the height at a moment; before the start it is the start's."""
        elapsed = max(0.0, epoch_seconds - self.started_at)
        return self.start_height + int(elapsed / self.seconds_per_block)

    def moment_of(self, height: int) -> float:
        """Return the moment from which on the height is reached."""
        return self.started_at + max(0, height - self.start_height) * self.seconds_per_block


class _Ask(Protocol):
    def __call__(self, url: str, /, *, seconds: float) -> int: ...


class Heights(Protocol):
    """Where heights come from."""

    @property
    def name(self) -> str:
        """A name that two of these share exactly if they look at the same; without secrets."""

    def look(self) -> Height:
        """Return the height now. Raise NoHeightSource or HeightUnknown."""


def open_heights(  # noqa: PLR0913 - each word is a setting or an option of the command line
    *,
    database_url: str | None,
    api_url: str | None,
    cache_dir: Path,
    block_height: int | None = None,
    simulate: Simulation | None = None,
    clock: Clock = clocks.now,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Heights:
    """Return where heights come from: `block_height`, else the simulation, else the sources, the database first.

    A look at the sources takes at most `patience_seconds` for each that does not answer. `cache_dir` is where
    processes share what they heard; it is made when it is needed.
    """
    if block_height is not None:
        check_number("block_height", block_height, 0)
        return _Fixed(value=block_height, clock=clock)
    if simulate is not None:
        return Simulated(simulation=simulate, clock=clock)
    wanted: list[tuple[str, str | None, _Ask]] = [
        ("database", database_url, ask_database),
        ("http", api_url, ask_server),
    ]
    sources = []
    for word, url, ask in wanted:
        if url and url.strip():
            name = _digest(word, _without_password(url))
            polls = SharedPolls(
                cache_dir / f"height-{name}",
                partial(ask, url, seconds=patience_seconds),
                clock=clock,
                longest_seconds=patience_seconds,
            )
            sources.append(_Source(word=word, name=name, polls=polls))
    return _Chain(sources=tuple(sources), clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    value: int
    clock: Clock

    @property
    def name(self) -> str:
        return f"fixed-{self.value}"

    def look(self) -> Height:
        return Height(value=self.value, at=self.clock().wall, source="fixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A chain that is none."""

    simulation: Simulation
    clock: Clock

    @property
    def name(self) -> str:
        told = self.simulation
        return _digest("simulated", repr((told.seconds_per_block, told.start_height, told.started_at)))

    def look(self) -> Height:
        now = self.clock().wall
        return Height(value=self.simulation.height_at(now), at=now, source="simulated")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    word: str
    name: str
    polls: SharedPolls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """A chain that goes on by itself, seen through the first source that answers."""

    sources: tuple[_Source, ...]
    clock: Clock

    @property
    def name(self) -> str:
        return _digest("chain", *(source.name for source in self.sources))

    def look(self) -> Height:
        if not self.sources:
            raise NoHeightSource(
                "Nothing says where block heights come from.",
                "Set CONSENSUS_API_URL or DATABASE_URL, or give a height with --block-height.",
            )
        failed: list[Poll] = []
        for source in self.sources:
            poll = source.polls.look()
            if poll.told is not None and not poll.error:
                return _height(poll.told, source.word, failed)
            failed.append(poll)
        return self._estimate(failed)

    def _estimate(self, failed: list[Poll]) -> Height:
        """Return the last height that was known, and a block more for every five seconds since."""
        errors = tuple(poll.error for poll in failed)
        now = self.clock()
        known = [poll.told for poll in failed if poll.told is not None]
        if not known:
            raise HeightUnknown(
                f"No block height is known. {' '.join(errors)}", "Mend a source, or give a height with --block-height."
            )
        last = min(known, key=lambda told: abs(now.seconds_since(told.at)))
        blocks = int(max(0.0, now.seconds_since(last.at)) / SECONDS_PER_BLOCK)
        return Height(value=last.height + blocks, at=now.wall, source="estimate", errors=errors)


def _height(told: Told, source: str, failed: list[Poll]) -> Height:
    return Height(
        value=told.height,
        at=told.at.wall,
        source=source,
        errors=tuple(poll.error for poll in failed),
        notes=(told.note,) if told.note else (),
    )


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode(errors="surrogatepass")).hexdigest()[:16]


def _without_password(url: str) -> str:
    """Return an address without its password, in any way to write it: what it is can be guessed from a digest."""
    return re.sub(r"(?<=password=)('[^']*'|[^\s&]*)", "", re.sub(r"://([^:@/?#]*):[^@/?#]*@", r"://\1@", url))
