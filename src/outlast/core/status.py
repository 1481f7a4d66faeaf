"""The six statuses, their reasons, and the one table of moves between them."""

from enum import StrEnum

from outlast.core.errors import IllegalMove


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """True for a status that only `retry` can leave."""
        return self in ENDS


class Reason(StrEnum):
    CONDITION = "condition"
    TIME = "time"
    RETRY = "retry"
    PAUSED = "paused"
    INPUT = "input"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASH = "crash"
    OUT_OF_MEMORY = "out_of_memory"
    INTERRUPTED = "interrupted"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    BROADCAST_UNKNOWN = "broadcast_unknown"
    USER = "user"
    SUPERSEDED = "superseded"


class Intent(StrEnum):
    """What somebody asked of a running job; the supervisor carries it out."""

    CANCEL = "cancel"
    PAUSE = "pause"


ENDS = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
UNFINISHED = frozenset(Status) - ENDS

MOVES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.WAITING, Status.FAILED, Status.CANCELLED}),
    Status.WAITING: frozenset({Status.QUEUED, Status.WAITING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.QUEUED, Status.WAITING, Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
}

REASONS: dict[Status, frozenset[Reason]] = {
    Status.QUEUED: frozenset(),
    Status.RUNNING: frozenset(),
    Status.COMPLETED: frozenset(),
    Status.WAITING: frozenset({Reason.CONDITION, Reason.TIME, Reason.RETRY, Reason.PAUSED, Reason.INPUT}),
    Status.FAILED: frozenset(
        {
            Reason.ERROR,
            Reason.TIMEOUT,
            Reason.CRASH,
            Reason.OUT_OF_MEMORY,
            Reason.INTERRUPTED,
            Reason.ATTEMPTS_EXHAUSTED,
            Reason.BROADCAST_UNKNOWN,
        }
    ),
    Status.CANCELLED: frozenset({Reason.USER, Reason.SUPERSEDED}),
}


def check_move(old: Status, new: Status, reason: Reason | None) -> None:
    """Raise IllegalMove unless the table allows `old` → `new` for this reason."""
    if new not in MOVES[old]:
        raise IllegalMove(f"A job that is {old} cannot become {new}.")
    if (reason is None) != (not REASONS[new]) or (reason is not None and reason not in REASONS[new]):
        raise IllegalMove(f"{reason} is no reason for {new}.")
