"""The search itself: blocks of nonces, falls of the difficulty used at once, rounds of `max_iterations`."""

import math
import os
from time import monotonic

from outlast import OutlastError
from outlast.pow import rules
from outlast.pow.chain.heights import Height, HeightUnknown
from outlast.pow.lookout import Lookout
from outlast.pow.record import Record
from outlast.pow.searching.crew import Crew
from outlast.pow.searching.search import limit
from outlast.pow.work import Work, timestamp

SLICE_SECONDS = 0.25
"""So long is searched between two offers to save."""


class WrongProof(OutlastError):
    """The hit of the search proves nothing: the search itself is broken."""


class Hunt:
    """One search within an attempt, from the record on."""

    def __init__(self, work: Work, age: int) -> None:
        self._work = work
        self._began = monotonic()
        self._before = work.record
        self._age = age
        self._stop = 0
        self._begin_round(age, work.record.nonce)

    def find(self) -> bool:
        """Search until there is a proof (True), or until waiting is all that is left (False); it is in the record."""
        prefix = self._work.request.puzzle(self._work.block_start).prefix.encode()
        choice = os.environ.get("OUTLAST_POW_SEARCH", "").strip() or "auto"
        words = "Attempt %d searches %s from nonce %d on."
        self._work.ctx.log.info(words, self._work.ctx.attempt, prefix.decode(), self._before.nonce)
        crew = Crew(
            prefix,
            processes=self._work.request.processes,
            choice=choice,
            state=self._before.crew_state(),
        )
        with crew, Lookout(self._work.heights) as lookout:
            return self._search(crew, lookout, prefix)

    def _search(self, crew: Crew, lookout: Lookout, prefix: bytes) -> bool:
        while True:
            hit = crew.work(SLICE_SECONDS, self._stop, limit(self._zeros))
            self._note(crew)
            if hit is not None:
                self._work.change(proof={"nonce": hit.nonce, "hash": verified(prefix, hit.nonce, self._zeros)})
                self._work.save(now=True, message=f"{self._zeros} zeros found")
                return True
            self._work.save(message=self._outlook())
            if crew.next_nonce >= self._stop:
                return False
            if (seen := lookout.news()) is not None and not self._goes_on(seen, crew.next_nonce):
                return False

    @property
    def _zeros(self) -> int:
        return self._work.request.zeros_at(self._age)

    def _note(self, crew: Crew) -> None:
        state = crew.state()
        self._work.change(
            nonce=state["next_nonce"],
            done_above=tuple(tuple(piece) for piece in state["done_above"]),
            best=state["best"],
            iterations=self._before.iterations + crew.tried,
            computation_ms=self._before.computation_ms + round((monotonic() - self._began) * 1000),
        )

    def _goes_on(self, seen: Height | HeightUnknown, nonce: int) -> bool:
        """Take what was seen of the chain; False if it went back so far that the search has to wait again."""
        if isinstance(seen, HeightUnknown):
            self._work.note_errors(seen.message)
            return True
        self._work.take(seen)
        self._age = self._work.age_at(seen)
        if self._age < self._work.age_to_begin:
            return False
        self._begin_round(self._age, nonce)
        return True

    def _begin_round(self, age: int, nonce: int) -> None:
        """Begin a round if the difficulty is another one than before, and record a fall."""
        record, zeros = self._work.record, self._work.request.zeros_at(age)
        if record.zeros != zeros:
            if record.zeros is not None:
                update = {
                    "old_difficulty": record.zeros,
                    "new_difficulty": zeros,
                    "current_age": age,
                    "iteration": record.iterations,
                    "timestamp": timestamp(),
                }
                self._work.change(updates=(*record.updates, update))
            self._work.change(zeros=zeros, round_start=nonce)
        # Never less than before: blocks that were handed out are searched to their end.
        self._stop = max(self._stop, self._work.record.round_start + self._work.request.max_iterations)

    def _outlook(self) -> str:
        record = self._work.record
        rate = (record.iterations - self._before.iterations) / max(monotonic() - self._began, 1e-6)
        return outlook(self._zeros, tried=record.nonce - record.round_start, rate=rate)


def is_exhausted(record: Record, *, zeros: int, max_iterations: int) -> bool:
    """Tell whether everything that this difficulty may cost was tried."""
    return record.zeros == zeros and record.nonce >= record.round_start + max_iterations


def outlook(zeros: int, *, tried: int, rate: float) -> str:
    """Return the words for how likely a hit was so far, and how long it takes from now on average.

    Each nonce hits with p = 16^−zeros: after n of them one has hit with 1 − (1 − p)^n, and the next hit is 1/p nonces
    away on average, however many were tried.
    """
    mean = 16.0**zeros
    chance = -math.expm1(-max(0, tried) / mean)
    seconds = mean / rate if rate > 0 else math.inf
    return f"{zeros} zeros; chance so far {chance:.0%}; from now {_told(seconds)} on average"


def _told(seconds: float) -> str:
    if not math.isfinite(seconds) or seconds >= 48 * 3600 * 365:
        return "years"
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.1f} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


def verified(prefix: bytes, nonce: int, zeros: int) -> str:
    """Return the hash of a hit, computed anew in the plainest way. Raise WrongProof if it does not prove it."""
    hash_hex = rules.hash_of(prefix.decode(), nonce)
    if not rules.meets(hash_hex, zeros):
        raise WrongProof(f"sha256 of {prefix.decode()}{nonce} is {hash_hex}, without {zeros} zeros.", "Report this.")
    return hash_hex
