"""Retention: finished jobs go when their time has come, with their files, and never because a clock lies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from outlast.app import launch_of
from outlast.core.places import Places
from outlast.core.status import Status
from outlast.core.trust import Reading
from outlast.engine.retention import BATCH, Retention, Terms
from outlast.functions import with_policy
from outlast.service import forget_files
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import Clock, ended
from tests.crash.test_points import arm
from tests.crash.work import fails_at_once, number
from tests.engine.hostile import linger
from tests.waiting import eventually
from tests.workshop import Workshop

HOUR, DAY = 3_600.0, 86_400.0
TERMS = Terms(read_seconds=HOUR, unread_seconds=7 * DAY, history_seconds=30 * DAY)


@dataclass
class Machine:
    """A store whose clock, and time since boot, are set by the test, and what a supervisor removes of it."""

    directory: Path
    clock: Clock = field(default_factory=Clock)
    up: int = 10 * 3_600_000
    boot: str = "first"
    terms: Terms = TERMS

    def __post_init__(self) -> None:
        self.store = SqliteStore(self.directory / "jobs.db", clock=self.clock)
        self.places = Places(self.directory)
        self.places.logs.mkdir()
        self.places.run.mkdir()
        self.new_supervisor()
        self.work()

    def new_supervisor(self) -> None:
        self._retention = Retention(
            self.store,
            self.terms,
            forget_files=self._forget_files,
            trust_file=self.places.clock,
            read_clock=lambda: Reading(boot=self.boot, wall=self.clock(), up=self.up),
        )

    def pass_time(self, seconds: float) -> None:
        """Let time pass, for everything."""
        self.clock.move(seconds)
        self.up += round(seconds * 1000)

    def reboot(self, name: str) -> None:
        self.boot, self.up = name, 60_000
        self.new_supervisor()

    def work(self) -> int:
        """Do what is to be done now; return how often something was."""
        times = 0
        while self._retention.work():
            times += 1
        return times

    def finished(self, *, read: bool = False, keep: bool = False, key: str | None = None) -> str:
        """Return a job that has just ended, with all files that a job may have."""
        job = ended(self.store, keep=keep, key=key)
        for path in self.places.files_of(job.id):
            path.write_text("x")
        if read:
            self.store.mark_read([job.id])
        return job.id

    def left(self, *job_ids: str) -> list[bool]:
        """Tell which jobs are left; raise AssertionError if one is there only in part."""
        there = [self.store.get(job_id) is not None for job_id in job_ids]
        files = [{path.exists() for path in self.places.files_of(job_id)} for job_id in job_ids]
        assert files == [{is_there} for is_there in there]
        return there

    def _forget_files(self, job_ids: Sequence[str]) -> None:
        forget_files(self.places, job_ids)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_read_end_goes_after_an_hour_and_an_unread_one_after_a_week(machine: Machine) -> None:
    read, unread, kept = machine.finished(read=True), machine.finished(), machine.finished(read=True, keep=True)

    machine.pass_time(HOUR - 1)
    machine.work()
    assert machine.left(read, unread, kept) == [True, True, True]
    machine.pass_time(2)
    machine.work()
    assert machine.left(read, unread, kept) == [False, True, True]
    machine.pass_time(7 * DAY)
    machine.work()
    assert machine.left(read, unread, kept) == [False, False, True]


def test_what_is_known_of_a_removed_job_goes_after_a_month_and_its_key_is_free(machine: Machine) -> None:
    machine.finished(read=True, key="k")
    machine.pass_time(2 * HOUR)
    machine.work()
    history = "SELECT coalesce(sum(count), 0) FROM history_blocks"
    assert machine.store._database.execute(history) == [(1,)]

    machine.pass_time(30 * DAY)
    machine.work()

    assert machine.store._database.execute(history) == [(0,)]


@pytest.mark.parametrize(
    ("terms", "left"),
    [
        (Terms(read_seconds=None, unread_seconds=None, history_seconds=None), [True, True]),
        (Terms(read_seconds=None, unread_seconds=HOUR, history_seconds=HOUR), [True, False]),
        (Terms(read_seconds=HOUR, unread_seconds=None, history_seconds=HOUR), [False, True]),
        (Terms(read_seconds=9 * DAY, unread_seconds=HOUR, history_seconds=HOUR), [True, False]),
    ],
    ids=["all-stay", "read-stay", "unread-stay", "read-stay-longer"],
)
def test_never_means_never(tmp_path: Path, terms: Terms, left: list[bool]) -> None:
    machine = Machine(tmp_path, terms=terms)
    read, unread = machine.finished(read=True), machine.finished()

    machine.pass_time(8 * DAY)
    machine.work()

    assert machine.left(read, unread) == left


def test_an_end_that_is_read_late_stays_a_while_longer(machine: Machine) -> None:
    late = machine.finished()
    machine.pass_time(2 * DAY)
    machine.store.mark_read([late])

    machine.work()
    assert machine.left(late) == [True]
    machine.pass_time(HOUR)
    machine.work()
    assert machine.left(late) == [False]


def test_many_go_in_small_batches(machine: Machine) -> None:
    with machine.store.batch():
        for _ in range(2 * BATCH + 1):
            ended(machine.store)
    machine.pass_time(8 * DAY)

    assert machine.work() >= 3
    assert sum(machine.store.stats().by_status.values()) == 0
    assert machine.work() == 0


@pytest.mark.parametrize("jump", [366 * DAY, 8 * DAY, -2 * DAY], ids=["a-year", "8-days", "back"])
def test_a_clock_that_jumps_removes_nothing_until_it_is_back(machine: Machine, jump: float) -> None:
    old, new = machine.finished(read=True), machine.finished()
    machine.pass_time(2 * HOUR)

    machine.clock.move(jump)
    machine.work()
    machine.new_supervisor()
    machine.work()
    assert machine.left(old, new) == [True, True]

    machine.clock.move(-jump)
    machine.work()
    assert machine.left(old, new) == [False, True]


def test_a_clock_that_stays_where_it_jumped_is_believed_after_an_hour(machine: Machine) -> None:
    old = machine.finished()
    machine.clock.move(8 * DAY)
    machine.work()

    machine.pass_time(HOUR - 2)
    machine.work()
    assert machine.left(old) == [True]
    machine.pass_time(3)
    machine.work()
    assert machine.left(old) == [False]


def test_after_a_boot_a_clock_far_ahead_of_the_last_end_must_stay_there_for_an_hour(machine: Machine) -> None:
    old = machine.finished()

    machine.clock.move(366 * DAY)
    machine.reboot("second")
    machine.work()
    newer = machine.finished(read=True)  # what ends under a clock that lies does not make it true
    machine.pass_time(HOUR / 2)
    machine.new_supervisor()
    machine.work()
    assert machine.left(old, newer) == [True, True]

    machine.pass_time(HOUR / 2 + 1)
    machine.work()
    assert machine.left(old, newer) == [False, False]


def test_after_a_night_the_clock_is_believed_at_once(machine: Machine) -> None:
    old = machine.finished(read=True)

    machine.pass_time(12 * HOUR)
    machine.reboot("second")
    machine.work()

    assert machine.left(old) == [False]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "\0", '{"boot": "first", "believed": "x", "seen": 1, "since": 2}', "{"]
)
def test_a_note_on_the_clock_that_makes_no_sense_is_as_good_as_none(machine: Machine, text: str) -> None:
    old = machine.finished(read=True)
    machine.places.clock.write_text(text)
    machine.pass_time(2 * HOUR)
    machine.new_supervisor()

    machine.work()

    assert machine.left(old) == [False]
    assert json.loads(machine.places.clock.read_text())["boot"] == "first"


def test_the_file_gives_the_space_back(machine: Machine) -> None:
    with machine.store.batch():
        for place in range(1_000):
            ended(machine.store, key=f"{place}:{'k' * 500}")
    machine.store.tidy()
    full = machine.store.path.stat().st_size
    machine.pass_time(8 * DAY)

    machine.work()
    machine.pass_time(31 * DAY)
    machine.work()
    machine.store.tidy()

    assert machine.store.path.stat().st_size < full / 2


class TestWithASupervisor:
    """The same, by a supervisor: short terms, real time."""

    @pytest.fixture(autouse=True)
    def short_terms(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OUTLAST_RETENTION", "0s")
        monkeypatch.setenv("OUTLAST_RETENTION_UNREAD", "1h")

    def test_what_was_read_goes_with_its_log_from_all_lists(self, workshop: Workshop) -> None:
        read, unread = workshop.submit(fails_at_once, "why"), workshop.submit(fails_at_once, "why")
        kept = workshop.submit(with_policy(number, keep=True), 1)
        workshop.until_ended(unread)
        assert workshop.places.log(unread.id).exists()

        read.wait(20), kept.wait(20)

        eventually(lambda: workshop.service.store.get(read.id) is None, timeout=20, what="it to be removed")
        assert not workshop.places.log(read.id).exists()
        eventually(lambda: shown(workshop) == {unread.id, kept.id}, timeout=20, what="jobs.json to show the others")
        assert {job["job_id"] for job in workshop.outlast.list()["jobs"]} == {unread.id, kept.id}

    def test_the_key_of_a_job_that_is_gone_is_still_known(self, workshop: Workshop) -> None:
        first = workshop.submit(number, 7, key="k")
        first.wait(20)
        eventually(lambda: workshop.service.store.get(first.id) is None, timeout=20, what="it to be removed")

        assert workshop.submit(number, 7, key="k").id == first.id

    @pytest.mark.parametrize("point", ["prune:begun", "prune:committed"])
    def test_a_supervisor_that_dies_as_it_removes_leaves_no_job_in_part(
        self, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        monkeypatch.setenv("OUTLAST_RETENTION", "1h")
        jobs = [workshop.submit(fails_at_once, "why") for _ in range(3)]
        for handle in jobs:
            handle.wait(20)
        eventually(lambda: all(workshop.job(handle).read_at for handle in jobs), what="the reading to be noted")
        workshop.kill_supervisor()
        monkeypatch.setenv("OUTLAST_RETENTION", "0s")
        arm(monkeypatch, point, once := tmp_path / "struck")
        workshop.__dict__.pop("settings")
        launch_of(workshop.settings, workshop.places).start()

        eventually(once.exists, timeout=20, what="a supervisor to die")
        workshop.start_supervisor()

        eventually(lambda: not workshop.outlast.list()["jobs"], timeout=20, what="all jobs to be removed")
        assert [path for handle in jobs for path in workshop.places.files_of(handle.id) if path.exists()] == []
        assert workshop.submit(number, 1).result(timeout=20) == 1

    def test_a_running_job_is_not_touched(self, workshop: Workshop, tmp_path: Path) -> None:
        running = workshop.submit(linger, str(tmp_path / "sign"))
        gone = workshop.submit(number, 1)
        gone.wait(20)
        eventually(lambda: workshop.service.store.get(gone.id) is None, timeout=20, what="the other to be removed")

        assert workshop.job(running).status is Status.RUNNING
        (tmp_path / "sign").touch()
        assert workshop.until_ended(running).status is Status.COMPLETED


def shown(workshop: Workshop) -> set[str]:
    return set(json.loads(workshop.places.view.read_text()))
