"""Schedules under real supervisors: each due time once, whoever is killed and whatever the clock does."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outlast.core.job import Job
from outlast.core.moments import Moment
from outlast.core.query import parse_query
from outlast.core.schedules import Schedule
from outlast.core.status import Status
from outlast.scheduling import Wish, make_schedule
from outlast.storage.sqlite import SqliteStore
from tests import processes
from tests.crash.work import everything, words
from tests.faults.fixtures import ROOT
from tests.waiting import eventually
from tests.workshop import Workshop

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
PROGRAM = str(Path(sys.executable).with_name("outlast"))
POINTS = ("fire_schedule:begun", "fire_schedule:committed", "supervisor:committed", "wake:begun", "claim:committed")


def due_now(notes: Path) -> tuple[Schedule, Moment]:
    """Return a schedule that is due this minute and not again for a year, and that moment."""
    now = int(time.time()) // 60 * 60
    at = datetime.fromtimestamp(now, UTC)
    wish = Wish(rule=f"{at.minute} {at.hour} {at.day} {at.month} *", name="now")
    return make_schedule(everything, wish, zone="UTC", args=[str(notes)]), now * 1000


def put(workshop: Workshop, schedule: Schedule, next_at: Moment) -> None:
    """Put a schedule as if just before it is due: what follows may take longer than a minute is old."""
    store = SqliteStore(workshop.places.store, clock=lambda: next_at - 1)
    store.put_schedule(schedule, next_at)
    store.close()


def jobs_of(workshop: Workshop, name: str) -> list[Job]:
    """Return the jobs of a schedule, the oldest first."""
    return list(workshop.service.matching(parse_query(f"label.schedule:{name}")))[::-1]


def ended(workshop: Workshop, name: str, count: int) -> list[Job]:
    """Return the jobs of a schedule once there are so many, all ended; a supervisor that died is replaced."""

    def look() -> list[Job]:
        if not processes.supervisors(workshop.root):
            workshop.start_supervisor()
        jobs = jobs_of(workshop, name)
        return jobs if len(jobs) >= count and all(job.status.is_end for job in jobs) else []

    return eventually(look, timeout=30, what=f"{count} ended jobs of {name}")


@pytest.mark.parametrize("point", POINTS)
def test_a_supervisor_killed_while_it_fires_fires_once(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    notes, once = tmp_path / "notes", tmp_path / "struck"
    monkeypatch.setenv("OUTLAST_CRASH_POINT", point)
    monkeypatch.setenv("OUTLAST_CRASH_ONCE", str(once))
    schedule, due = due_now(notes)
    put(workshop, schedule, due)

    workshop.service.wait([])  # starts a supervisor: there is work
    eventually(once.exists, what=f"somebody to die at {point}")
    [job] = ended(workshop, "now", 1)

    assert (job.status, job.crashes) == (Status.COMPLETED, 0)
    assert words(notes) == ["first", "second"]


def test_of_two_supervisors_one_fires(workshop: Workshop, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    schedule, due = due_now(notes)
    put(workshop, schedule, due)

    workshop.start_supervisor()
    workshop.start_supervisor()
    [job] = ended(workshop, "now", 1)

    assert job.status is Status.COMPLETED
    assert words(notes) == ["first", "second"]


def test_a_supervisor_stays_for_a_schedule_and_leaves_when_it_is_paused(workshop: Workshop, tmp_path: Path) -> None:
    schedule, due = due_now(tmp_path / "notes")
    put(workshop, schedule, due + 366 * 86_400_000)
    command = [sys.executable, "-m", "tests.crash.idle", "0.2"]

    with subprocess.Popen(command, env=dict(os.environ)) as process:
        workshop.supervisor()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        workshop.service.pause_schedule("now")
        assert process.wait(20) == 0


class FakeClock:
    """The clock of every process that is started from now on: it stands still until it is moved."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = file
        words_of_clock = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }
        for name, value in words_of_clock.items():
            monkeypatch.setenv(name, value)

    def move(self, text: str) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(text, encoding="ascii")
        os.replace(new, self._file)


MOVES = (
    ("2025-03-29 01:29:59", ""),
    ("2025-03-29 01:30:00", "2025-03-29T01:30"),
    ("2025-03-30 00:59:59", ""),
    ("2025-03-30 01:00:00", "2025-03-30T01:00"),  # 02:30 is left out: 03:00
    ("2025-03-30 01:30:00", ""),
    ("2025-03-31 00:30:00", "2025-03-31T00:30"),
    ("2025-10-25 22:00:00", "2025-10-25T00:30"),  # a long sleep: one for all that was missed
    ("2025-10-26 00:30:00", "2025-10-26T00:30"),  # 02:30 for the first time
    ("2025-10-26 01:30:00", ""),  # and for the second
    ("2025-10-27 01:30:00", "2025-10-27T01:30"),
)
"""Where the clock goes, and the due time that then gets a job."""


@pytest.mark.skipif(not LIBRARIES, reason="needs faketime")
def test_both_changes_of_the_clock_with_kills_at_the_due_second(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    clock = FakeClock(tmp_path / "clock", monkeypatch)
    clock.move("2025-03-28 12:00:00")
    rule = ["30 2 * * *", f"path={notes}", "--timezone", "Europe/Berlin", "--name", "wall"]
    command = [PROGRAM, "--data-dir", str(workshop.root), "schedule", "add", "tests.crash.work:everything", *rule]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    expected: list[str] = []
    for number, (moment, due) in enumerate(MOVES):
        workshop.supervisor()
        clock.move(moment)
        if number % 3:
            workshop.kill_supervisor()
            workshop.start_supervisor()
        if due:
            expected.append(f"schedule:wall:{due}:00.000Z")
            assert [job.key for job in ended(workshop, "wall", len(expected))] == expected
    workshop.kill_supervisor()
    workshop.start_supervisor()

    jobs = ended(workshop, "wall", len(expected))
    assert [job.key for job in jobs] == expected
    assert {job.status for job in jobs} == {Status.COMPLETED}
    assert words(notes) == ["first", "second"] * len(expected)
