"""Checklists against a small model: any calls in any order, from several programs, with deaths and hands in between.

TORTURE_EXAMPLES makes it longer.
"""

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from outlast import AlreadyClaimed, AlreadyDone, Checklist, JobState, crashpoint
from outlast.jobstate import late
from outlast.jobstate.checklist import Activity
from outlast.jobstate.filebook import FileBook
from tests.jobstate.places import ACCOUNT, DAY, TYPE, Clock, journal_path, json_path, read_json

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "25"))
NAMES = ("a", "b", "c", "d")
POINTS = ("journal:written", "journal:flushed", "sheet:written", "sheet:renamed")
PROGRAMS = (0, 1, 2)
names = st.sampled_from(NAMES)
programs = st.sampled_from(PROGRAMS)
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Checklists(RuleBasedStateMachine):
    """Three programs with the same checklist, and what it must be."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="outlast-test-", dir=_MEMORY))
        self.clock = Clock(DAY)
        self.completed: set[str] = set()
        self.skipped: set[str] = set()
        self.failed: set[str] = set()
        self.claimed: dict[str, int] = {}
        self.doing: dict[str, Activity] = {}
        self.open: dict[int, Checklist] = {number: self.new() for number in PROGRAMS}

    def new(self) -> Checklist:
        return JobState(dir=self.root, timezone="UTC", clock=self.clock).open(ACCOUNT, TYPE, NAMES)

    def teardown(self) -> None:
        if hasattr(self, "root"):
            for activity in self.doing.values():
                activity.leave()
            self.open.clear()
            shutil.rmtree(self.root)

    def done(self, name: str) -> None:
        self.completed.add(name)
        self.skipped.discard(name)
        self.failed.discard(name)

    @rule(program=programs, name=names)
    def complete(self, program: int, name: str) -> None:
        self.clock.seconds += 1
        self.open[program].complete(name)
        self.done(name)

    @rule(program=programs, name=names)
    def skip(self, program: int, name: str) -> None:
        self.open[program].skip(name, "why")
        if name not in self.completed:
            self.skipped.add(name)
            self.failed.discard(name)

    @rule(program=programs, name=names)
    def fail(self, program: int, name: str) -> None:
        self.open[program].fail(name, "error")
        if name not in self.completed:
            self.failed.add(name)

    @rule(program=programs, name=names)
    def enter(self, program: int, name: str) -> None:
        activity = self.open[program].activity(name)
        try:
            activity.__enter__()
        except AlreadyDone:
            assert name in self.completed
        except AlreadyClaimed:
            assert name in self.claimed
        else:
            assert name not in self.completed
            assert name not in self.claimed
            self.claimed[name], self.doing[name] = program, activity

    @precondition(lambda self: self.doing)
    @rule(data=st.data(), ends=st.booleans())
    def end(self, data: st.DataObject, ends: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.doing)))
        activity = self.doing.pop(name)
        program = self.claimed.pop(name)
        said = name in self.open[program]._book.ended
        if ends:
            activity.__exit__(None, None, None)
            if not said:
                self.done(name)
        else:
            activity.leave()

    @rule(program=programs, name=names)
    def undo(self, program: int, name: str) -> None:
        was_there = name in self.completed | self.skipped | self.failed
        state = JobState(dir=self.root, timezone="UTC", clock=self.clock)

        assert state.reset(ACCOUNT, TYPE, activity=name) == was_there
        for each in (self.completed, self.skipped, self.failed):
            each.discard(name)

    @rule(name=names, point=st.sampled_from(POINTS))
    def a_program_dies_while_it_completes(self, name: str, point: str) -> None:
        late.rewrite_now()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            child = os.fork()
        if child == 0:
            crashpoint._armed = point
            self.new().complete(name)
            os._exit(0)
        os.waitpid(child, 0)
        if self.new().is_complete(name):
            self.done(name)
        assert point in ("", "journal:written") or name in self.open[0].completed

    @rule(program=programs)
    def restart(self, program: int) -> None:
        """Let a program end and begin again; what it was doing is undone."""
        for name in [name for name, who in self.claimed.items() if who == program]:
            del self.claimed[name]
            self.doing.pop(name)._book.release(name)
        self.open[program] = self.new()

    @rule()
    def a_person_deletes_the_json(self) -> None:
        json_path(self.root).unlink()
        self.completed, self.skipped, self.failed = set(), set(), set()
        assert [checklist.completed for checklist in self.open.values()] == [[], [], []]
        self.restart(0)

    @rule(name=names)
    def a_person_completes_by_hand(self, name: str) -> None:
        late.rewrite_now()
        shown = read_json(json_path(self.root))
        shown["completed"] = [*shown["completed"], name]
        shown["remaining"] = [each for each in shown["remaining"] if each != name]
        json_path(self.root).write_text(json.dumps(shown))
        self.done(name)
        assert all(name in checklist.completed for checklist in self.open.values())

    @rule(garbage=st.binary(max_size=40))
    def the_json_is_damaged(self, garbage: bytes) -> None:
        if garbage.strip(b"\0 \n\t\r") not in (b"", b"{}"):
            garbage = b"\xff" + garbage
        json_path(self.root).write_bytes(garbage)

    @precondition(lambda self: not self.skipped and not self.failed and not self.doing)
    @rule()
    def the_journal_is_deleted(self) -> None:
        late.rewrite_now()
        self.the_json_shows_it()
        journal_path(self.root).unlink()

    @rule()
    def half_a_record_is_left(self) -> None:
        with journal_path(self.root).open("ab") as journal:
            journal.write(b'\n1234abcd {"event":"comp')

    @invariant()
    def every_program_sees_it(self) -> None:
        if not hasattr(self, "open"):
            return
        for checklist in self.open.values():
            assert set(checklist.completed) == self.completed
            assert set(checklist.skipped) == self.skipped
            assert set(checklist.failed) == self.failed
            assert checklist.remaining == [n for n in NAMES if n not in self.completed | self.skipped]

    @invariant()
    def the_json_shows_it(self) -> None:
        if not hasattr(self, "open"):
            return
        late.rewrite_now()
        shown = read_json(json_path(self.root))
        assert set(shown["completed"]) == self.completed
        assert shown["remaining"] == [n for n in NAMES if n not in self.completed | self.skipped]


def run_model(examples: int, *, shrink: bool = True) -> None:
    run_state_machine_as_test(
        Checklists,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[phase for phase in Phase if shrink or phase is Phase.generate],
            database=None,
        ),
    )


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Say nothing of damage: here it is made on purpose."""
    caplog.set_level("CRITICAL", "outlast.jobstate")


def test_checklists_are_what_the_model_says() -> None:
    run_model(EXAMPLES)


FAULTS: dict[str, tuple[str, Callable[..., object]]] = {
    "gives a claim twice": ("_lock", lambda book, activity: True),
    "sees nothing of the others": ("_look_again", lambda book, hurried=False: None),
    "forgets a skip": ("_read_journal", lambda book: book._pair.journal.read_new()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_model_catches_a_checklist_that(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, planted = FAULTS[fault]
    monkeypatch.setattr(FileBook, name, planted)

    with pytest.raises((AssertionError, ValueError)):  # a JSON that is left damaged cannot be read
        run_model(10 * EXAMPLES, shrink=False)  # it ends with the first one that shows the fault
