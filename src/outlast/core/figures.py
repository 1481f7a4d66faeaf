"""Figures of a whole store: what failed alike, how much ended when, how long it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from outlast.core.errorgroups import group_code
from outlast.core.moments import Moment
from outlast.core.status import Reason, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failures with the same cause. `group` is their error as `error_group` masks it, empty if they have none.

    `count` counts removed jobs too, of which only their history is left; `kept` are those that are still there. The
    example is the newest, of those that are still there if any is.
    """

    group: str
    count: int
    kept: int
    oldest_at: Moment
    newest_at: Moment
    example_id: str
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """What a person types for the group."""
        return group_code(self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The groups with the newest failures, and how many groups there are in all."""

    groups: Sequence[FailureGroup]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What is still known of a job that was removed."""

    id: str
    status: Status
    completed_at: Moment
    removed_at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How many jobs ended in a time that begins at `start`."""

    start: Moment
    completed: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long the newest completed jobs of a kind took, from the first start to the end; `count` of them."""

    kind: str
    count: int
    median_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is told of a store beside its counts. Spans are whole hours and days of UTC, the oldest first.

    `waiting` counts waiting jobs by their reason; the first of those that wait for a time is due at `next_wake_at`.
    """

    hours: Sequence[Span]
    days: Sequence[Span]
    durations: Sequence[Durations]
    waiting: Mapping[Reason, int]
    next_wake_at: Moment | None
    store_bytes: int


def durations_of(kind: str, milliseconds: Sequence[int]) -> Durations | None:
    """Return median and 95th percentile (nearest rank); None of nothing."""
    if not milliseconds:
        return None
    ordered = sorted(max(0, each) for each in milliseconds)
    return Durations(
        kind=kind,
        count=len(ordered),
        median_seconds=_at(ordered, 50) / 1000,
        p95_seconds=_at(ordered, 95) / 1000,
    )


def _at(ordered: Sequence[int], percent: int) -> int:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
