"""One search as it was asked for: its arguments, checked, and from which age on it may begin."""

import math
from dataclasses import dataclass

from outlast import OutlastError
from outlast.pow import rules
from outlast.pow.rules import Puzzle, WrongPuzzle

_MOST_ZEROS_TO_ADVISE = 9
"""Nobody is told to pay for more: at 100 million hashes a second ten zeros take three hours."""
_MOST_PROCESSES = 1_024


class CannotBegin(OutlastError):
    """The search may not begin, and that does not change by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of a `pow` job. Raise WrongPuzzle naming the one that is wrong.

    `player` is who the proof is for; it is no part of the message. `difficulty` is the range of the zeros formula.
    `block_start` None: the height when the job first runs. `block_height` is a height that stands still, `simulate`
    the seconds a block takes in a chain that is none and begins with the job. `processes` search at the same time.
    """

    action: str
    entity: str
    player: str
    block_start: int | None = None
    block_height: int | None = None
    difficulty: int = rules.DEFAULT_RANGE
    target_id: str | None = None
    max_iterations: int = rules.DEFAULT_MAX_ITERATIONS
    simulate: float | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        self.puzzle(self.block_start or 0)
        if not isinstance(self.player, str) or not self.player.strip():
            raise WrongPuzzle(f"The player is {self.player!r:.60}.", "Name the player the proof is for.")
        if self.block_height is not None:
            rules.check_number("block_height", self.block_height, 0)
        rules.check_number("difficulty", self.difficulty, 2)
        rules.check_number("max_iterations", self.max_iterations, 1)
        rules.check_number("processes", self.processes, 1)
        if self.processes > _MOST_PROCESSES:
            raise WrongPuzzle(f"processes is {self.processes}.", f"Use 1 to {_MOST_PROCESSES}; one for each core.")
        self._check_simulation()

    def _check_simulation(self) -> None:
        seconds = self.simulate
        if seconds is None:
            return
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
            raise WrongPuzzle(f"simulate is {seconds!r:.40}.", "Use the seconds that a block takes, above zero.")
        if self.block_height is not None:
            raise WrongPuzzle("block_height and simulate exclude each other.", "Give one of them.")

    def puzzle(self, block_start: int) -> Puzzle:
        """Return what is to be proved, for the block it began in."""
        return Puzzle(action=self.action, entity=self.entity, block_start=block_start, target_id=self.target_id or None)

    def zeros_at(self, age: int) -> int:
        """Return how many zeros are needed at an age."""
        return rules.zeros_at(age, self.difficulty)


def age_to_begin(request: Request, zeros_to_start: int) -> int:
    """Return the smallest age at which the search may begin. Raise CannotBegin if there is none.

    It may from YOUNGEST_AGE on, with at most `zeros_to_start` zeros, if `16^zeros ≤ 2 · max_iterations`.
    """
    payable = rules.zeros_within(request.max_iterations)
    if payable < 1:
        raise CannotBegin(
            f"{request.max_iterations} nonces (max_iterations) are too few for even one zero.",
            "Raise max_iterations to 8 or more.",
        )
    return rules.age_for(min(zeros_to_start, payable), request.difficulty)


def check_height(request: Request, *, block_start: int, height: int, zeros_to_start: int) -> None:
    """Raise CannotBegin, with the figures and what mends it, if it may not begin at a height that stands still."""
    age = rules.age_at(height, block_start)
    if age >= age_to_begin(request, zeros_to_start):
        return
    zeros, payable = request.zeros_at(age), rules.zeros_within(request.max_iterations)
    raise CannotBegin(
        f"{zeros} zeros are needed at age {age} (height {height} − block_start {block_start}, range "
        f"{request.difficulty}). A search begins from age {rules.YOUNGEST_AGE} on, with at most {zeros_to_start} "
        f"(TARGET_DIFFICULTY_START) and at most {payable} (16^zeros ≤ 2 · {request.max_iterations}, "
        "max_iterations); a fixed height stands still.",
        _mend(request, block_start=block_start, age=age, zeros_to_start=zeros_to_start),
    )


def _mend(request: Request, *, block_start: int, age: int, zeros_to_start: int) -> str:
    zeros, payable = request.zeros_at(age), rules.zeros_within(request.max_iterations)
    wait = f"se a block height from {block_start + age_to_begin(request, zeros_to_start)} on"
    if age < rules.YOUNGEST_AGE or zeros > _MOST_ZEROS_TO_ADVISE:
        return f"U{wait}."
    bounds = [f"TARGET_DIFFICULTY_START={zeros}"] if zeros > zeros_to_start else []
    bounds += [f"max_iterations to {16**zeros // 2}"] if zeros > payable else []
    return f"Set {' and '.join(bounds)}, or u{wait}."
