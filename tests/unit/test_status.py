"""The table of moves: what a job may become, and the reason it then must have."""

import itertools

import pytest

from outlast.core.errors import IllegalMove
from outlast.core.status import ENDS, MOVES, REASONS, UNFINISHED, Reason, Status, check_move


def any_reason(status: Status) -> Reason | None:
    return min(REASONS[status], default=None)


LEGAL = [(old, new) for old in Status for new in sorted(MOVES[old])]
ILLEGAL = [pair for pair in itertools.product(Status, Status) if pair not in set(LEGAL)]


def test_there_are_six_statuses_and_three_of_them_are_ends() -> None:
    assert [str(status) for status in Status] == ["queued", "running", "waiting", "completed", "failed", "cancelled"]
    assert {status for status in Status if status.is_end} == ENDS
    assert set(Status) == ENDS | UNFINISHED
    assert not ENDS & UNFINISHED


def test_every_status_has_a_row_in_both_tables() -> None:
    assert set(MOVES) == set(REASONS) == set(Status)


def test_every_reason_belongs_to_exactly_one_status() -> None:
    listed = [reason for reasons in REASONS.values() for reason in reasons]

    assert sorted(listed) == sorted(Reason)


@pytest.mark.parametrize(("old", "new"), LEGAL)
def test_a_move_of_the_table_is_allowed(old: Status, new: Status) -> None:
    check_move(old, new, any_reason(new))


@pytest.mark.parametrize(("old", "new"), ILLEGAL)
def test_any_other_move_is_refused_by_name(old: Status, new: Status) -> None:
    with pytest.raises(IllegalMove, match=f"{old} cannot become {new}"):
        check_move(old, new, any_reason(new))


def test_only_a_retry_leaves_an_end_and_never_a_completed_one() -> None:
    assert MOVES[Status.COMPLETED] == frozenset()
    assert MOVES[Status.FAILED] == MOVES[Status.CANCELLED] == {Status.QUEUED}


def test_every_unfinished_status_reaches_cancelled() -> None:
    assert all(Status.CANCELLED in MOVES[status] for status in UNFINISHED)


def test_only_a_queued_job_can_start() -> None:
    assert [old for old in Status if Status.RUNNING in MOVES[old]] == [Status.QUEUED]


@pytest.mark.parametrize("new", [status for status in Status if REASONS[status]])
def test_a_status_that_needs_a_reason_is_refused_without_one(new: Status) -> None:
    with pytest.raises(IllegalMove, match="None is no reason"):
        check_move(Status.RUNNING, new, None)


@pytest.mark.parametrize(
    ("new", "reason"),
    [(new, reason) for new in sorted(MOVES[Status.RUNNING]) for reason in sorted(set(Reason) - REASONS[new])],
)
def test_a_reason_of_another_status_is_refused(new: Status, reason: Reason) -> None:
    with pytest.raises(IllegalMove, match=f"{reason} is no reason for {new}"):
        check_move(Status.RUNNING, new, reason)
