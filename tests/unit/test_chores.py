"""What a supervisor does by the clock."""

import logging

import pytest

from outlast.core.errors import StoreFull
from outlast.engine.chores import Chore, Chores


def test_every_chore_is_done_at_the_start_one_at_a_time() -> None:
    done: list[str] = []

    def chore(name: str) -> Chore:
        def work() -> bool:
            done.append(name)
            return False

        return Chore(name=name, every_seconds=60, work=work)

    chores = Chores([chore("a"), chore("b")])

    chores.work()
    assert len(done) == 1
    chores.work()
    chores.work()

    assert sorted(done) == ["a", "b"]
    assert 0 < (chores.seconds_to_next() or 0) <= 60


def test_what_is_left_undone_is_gone_on_with_at_once() -> None:
    left = [True, True, False]
    chores = Chores([Chore(name="prune", every_seconds=60, work=lambda: left.pop(0))])

    for _ in range(5):
        chores.work()

    assert left == []


def test_a_chore_that_fails_is_told_once_for_each_cause_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    causes = ["no space", "no space", "other"]

    def fail() -> bool:
        raise StoreFull(causes.pop(0))

    chores = Chores([Chore(name="back up", every_seconds=0, work=fail)])
    with caplog.at_level(logging.WARNING, "outlast"):
        for _ in range(3):
            chores.work()

    assert [record.message for record in caplog.records] == ["Could not back up: no space", "Could not back up: other"]
