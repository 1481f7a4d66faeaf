"""One search as it was asked for: its arguments, checked, how hard it is, and whether it may begin."""

from dataclasses import dataclass

from outlast import OutlastError
from outlast.pow import rules
from outlast.pow.rules import Puzzle, WrongPuzzle

_MOST_ZEROS_TO_ADVISE = 9
"""Nobody is told to pay for more: at 3 million hashes a second ten zeros take four days."""


class CannotBegin(OutlastError):
    """The search may not begin, and with a fixed height that does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of a `pow` job.

    `player` is who the proof is for; it is no part of the message. `difficulty` is the range of the zeros formula.
    `block_height` is a height that stands still. Raise WrongPuzzle naming the argument that is wrong.
    """

    action: str
    entity: str
    player: str
    block_start: int
    block_height: int
    difficulty: int = rules.DEFAULT_RANGE
    target_id: str | None = None
    max_iterations: int = rules.DEFAULT_MAX_ITERATIONS

    def __post_init__(self) -> None:
        _ = self.puzzle
        if not isinstance(self.player, str) or not self.player.strip():
            raise WrongPuzzle(f"The player is {self.player!r:.60}.", "Name the player the proof is for.")
        rules.check_number("block_height", self.block_height, 0)
        rules.check_number("difficulty", self.difficulty, 2)
        rules.check_number("max_iterations", self.max_iterations, 1)

    @property
    def puzzle(self) -> Puzzle:
        return Puzzle(
            action=self.action, entity=self.entity, block_start=self.block_start, target_id=self.target_id or None
        )

    @property
    def age(self) -> int:
        return rules.age_at(self.block_height, self.block_start)

    @property
    def zeros(self) -> int:
        return rules.zeros_at(self.age, self.difficulty)

    def difficulty_at_start(self, zeros_to_start: int) -> dict[str, int]:
        """Return the `difficulty_info` of the job object."""
        return {
            "current_difficulty": self.zeros,
            "target_difficulty": zeros_to_start,
            "current_age": self.age,
            "difficulty_range": self.difficulty,
            "max_iterations": self.max_iterations,
        }


def check_difficulty(request: Request, zeros_to_start: int) -> None:
    """Raise CannotBegin, with the figures and what mends it, unless the search may begin at this height.

    It may from YOUNGEST_AGE on, with at most `zeros_to_start` zeros, if `16^zeros ≤ 2 · max_iterations`.
    """
    payable = rules.zeros_within(request.max_iterations)
    zeros = request.zeros
    if request.age >= rules.YOUNGEST_AGE and zeros <= min(zeros_to_start, payable):
        return
    raise CannotBegin(
        f"{zeros} zeros are needed at age {request.age} (height {request.block_height} − block_start "
        f"{request.block_start}, range {request.difficulty}). A search begins from age {rules.YOUNGEST_AGE} on, with "
        f"at most {zeros_to_start} (TARGET_DIFFICULTY_START) and at most {payable} (16^zeros ≤ 2 · "
        f"{request.max_iterations}, max_iterations); a fixed height stands still.",
        _mend(request, zeros_to_start),
    )


def _mend(request: Request, zeros_to_start: int) -> str:
    zeros, payable = request.zeros, rules.zeros_within(request.max_iterations)
    if payable < 1:
        return "Raise max_iterations to 8 or more."
    height = request.block_start + rules.age_for(min(zeros_to_start, payable), request.difficulty)
    wait = f"se a block height from {height} on"
    if request.age < rules.YOUNGEST_AGE or zeros > _MOST_ZEROS_TO_ADVISE:
        return f"U{wait}."
    bounds = [f"TARGET_DIFFICULTY_START={zeros}"] if zeros > zeros_to_start else []
    bounds += [f"max_iterations to {16**zeros // 2}"] if zeros > payable else []
    return f"Set {' and '.join(bounds)}, or u{wait}."
