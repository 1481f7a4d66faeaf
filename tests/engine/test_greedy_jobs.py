"""What jobs that know no measure do, alone and with another supervisor: their ends have reasons, a cancel ends all."""

import os
import re
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from outlast.client import Handle
from outlast.core.logfiles import MOST_BYTES
from outlast.core.policies import Backoff
from outlast.core.status import Reason, Status
from outlast.engine.memory import resident
from outlast.functions import with_policy
from outlast.joblog import JobLog
from tests import processes
from tests.engine import greedy
from tests.limits import hold_to
from tests.waiting import eventually
from tests.workshop import Workshop

LIMIT = 100_000_000
PRINTED_MEGABYTES = 300
MOST_SECONDS = 5.0
"""What may pass after a cancel until no process is left."""

with_and_without = pytest.mark.parametrize("killed", [False, True], ids=["", "supervisor-killed"])


class Running:
    """A greedy job that runs and has not begun to take, and the pids it has noted."""

    def __init__(self, workshop: Workshop, directory: Path, fn: Any, *args: Any) -> None:
        self._pids = directory / "pids"
        self._sign = directory / "sign"
        self._workshop = workshop
        self.handle: Handle = workshop.submit(fn, str(self._pids), str(self._sign), *args)
        eventually(self._pids.exists, timeout=20, what="its pid")

    def replace_supervisor(self) -> None:
        self._workshop.kill_supervisor()
        self._workshop.start_supervisor()

    def begin(self) -> None:
        """Let it take what it wants."""
        self._sign.touch()

    def pids(self) -> list[int]:
        return [int(pid) for pid in self._pids.read_text().split()]

    def living(self) -> list[int]:
        return [pid for pid in self.pids() if processes.seen(pid)]


@with_and_without
def test_a_fork_bomb_is_ended_whole(workshop: Workshop, tmp_path: Path, *, killed: bool) -> None:
    bomb = Running(workshop, tmp_path, greedy.forks_without_end)
    if killed:
        bomb.replace_supervisor()
    bomb.begin()
    eventually(lambda: len(bomb.pids()) >= greedy.BOMB_SIZE - 5, timeout=60, what="the bomb to have gone off")
    at = monotonic()

    bomb.handle.cancel()

    ended = workshop.until_ended(bomb.handle)
    assert ended.status is Status.CANCELLED
    assert bomb.living() == []
    hold_to(MOST_SECONDS, monotonic() - at)


@with_and_without
@pytest.mark.parametrize("fn", [greedy.leaks, greedy.leaks_in_a_daemon], ids=lambda fn: str(fn.kind))
def test_a_job_over_its_memory_limit_is_ended_with_the_figures(
    workshop: Workshop, tmp_path: Path, fn: Any, *, killed: bool
) -> None:
    leak = Running(workshop, tmp_path, with_policy(fn, memory_limit_bytes=LIMIT))
    if killed:
        leak.replace_supervisor()

    leak.begin()
    ended = workshop.until_ended(leak.handle)

    assert (ended.status, ended.reason, ended.tries, ended.crashes) == (Status.FAILED, Reason.OUT_OF_MEMORY, 1, 0)
    figures = re.fullmatch(r"MemoryError: used ([0-9.]+) ([MG])B, its limit is 100 MB", ended.error or "")
    assert figures
    assert float(figures[1]) * {"M": 1, "G": 1_000}[figures[2]] > 100
    assert workshop.last(leak.handle, "out_of_memory").attempt == 1
    assert leak.living() == []


def test_a_job_over_its_memory_limit_is_tried_again_like_one_that_failed(workshop: Workshop, tmp_path: Path) -> None:
    soon = Backoff(least_seconds=0.01, most_seconds=0.01)
    again = with_policy(greedy.leaks, memory_limit_bytes=LIMIT, max_attempts=2, backoff=soon)
    leak = Running(workshop, tmp_path, again)

    leak.begin()
    ended = workshop.until_ended(leak.handle)

    assert (ended.reason, ended.tries, ended.attempt) == (Reason.ATTEMPTS_EXHAUSTED, 2, 2)
    assert (ended.error or "").startswith("MemoryError: used ")


def test_memory_that_processes_share_is_counted_once(workshop: Workshop, tmp_path: Path) -> None:
    children, megabytes = 4, 60
    sharing = with_policy(greedy.shares, memory_limit_bytes=2 * LIMIT)
    running = Running(workshop, tmp_path, sharing, megabytes, children)
    eventually(lambda: len(running.pids()) == children, timeout=20, what="all children")
    family = [*running.pids(), workshop.process_of(running.handle).pid]
    # The planted fault: added up as the system shows them, they would be over the limit.
    assert sum(map(resident, family)) > 2 * LIMIT

    (tmp_path / "other").mkdir()
    leak = Running(workshop, tmp_path / "other", with_policy(greedy.leaks, memory_limit_bytes=LIMIT))
    leak.begin()
    workshop.until_ended(leak.handle)  # so both have been looked at

    running.begin()
    assert running.handle.result(timeout=20) == megabytes


def test_a_job_with_a_limit_does_not_begin_where_another_one_has_left_its_memory(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTLAST_CONCURRENCY", "1")
    heavy = workshop.submit(greedy.leaves_memory_behind, 80).result(timeout=20)

    without = workshop.submit(greedy.whoami).result(timeout=20)
    generous = workshop.submit(with_policy(greedy.whoami, memory_limit_bytes=10 * LIMIT)).result(timeout=20)
    strict = workshop.submit(with_policy(greedy.whoami, memory_limit_bytes=LIMIT)).result(timeout=20)
    fresh = workshop.submit(with_policy(greedy.whoami, memory_limit_bytes=30_000_000)).result(timeout=20)

    assert heavy == without == generous
    assert len({heavy, strict, fresh}) == 3


@with_and_without
@pytest.mark.parametrize("fn", [greedy.prints_without_newline, greedy.lets_a_child_print], ids=lambda fn: str(fn.kind))
def test_output_without_measure_is_kept_to_its_newest_20_megabytes(
    workshop: Workshop, tmp_path: Path, fn: Any, *, killed: bool
) -> None:
    writer = Running(workshop, tmp_path, fn, PRINTED_MEGABYTES)
    if killed:
        writer.replace_supervisor()

    writer.begin()

    assert writer.handle.result(timeout=60) is None
    older, newer = workshop.places.logs_of(writer.handle.id)
    assert max(older.stat().st_size, newer.stat().st_size) <= MOST_BYTES
    assert workshop.outlast.get(writer.handle.id).logs().endswith("\n" + greedy.LAST_LINE)
    assert JobLog(workshop.places, writer.handle.id).end() > 0.9 * PRINTED_MEGABYTES * greedy.MEGABYTE


@with_and_without
def test_a_job_that_prints_for_ever_is_cancelled_and_its_log_is_short(
    workshop: Workshop, tmp_path: Path, *, killed: bool
) -> None:
    writer = Running(workshop, tmp_path, greedy.prints_for_ever)
    if killed:
        writer.replace_supervisor()
    writer.begin()
    older, newer = workshop.places.logs_of(writer.handle.id)
    eventually(older.exists, timeout=20, what="the log to be cut")
    at = monotonic()

    writer.handle.cancel()

    assert workshop.until_ended(writer.handle).status is Status.CANCELLED
    hold_to(MOST_SECONDS, monotonic() - at)
    assert writer.living() == []
    assert max(older.stat().st_size, newer.stat().st_size) <= MOST_BYTES


def test_who_follows_a_log_misses_nothing_when_it_is_cut(workshop: Workshop, tmp_path: Path) -> None:
    bursts, lines = 9, 30_000  # of 100 bytes: 27 MB
    handle = workshop.submit(greedy.prints_in_bursts, str(tmp_path), bursts, lines)
    log, position, read = JobLog(workshop.places, handle.id), 0, bytearray()
    older, newer = workshop.places.logs_of(handle.id)
    marks = set()

    for burst in range(bursts):
        while len(read) < (burst + 1) * lines * 100:
            text, position = log.read(position, MOST_BYTES)
            read += text
        eventually(lambda: newer.stat().st_size <= MOST_BYTES, what="the log to be short")
        marks.add(older.stat().st_ino if older.exists() else None)
        (tmp_path / str(burst)).touch()

    handle.result(timeout=20)
    assert [int(line) for line in read.splitlines()] == list(range(bursts * lines))
    assert len(marks) > 2, "it was cut more than once"
    assert (log.begin() > 0, log.end()) == (True, len(read))


def test_the_supervisors_own_log_is_kept_short_as_well(workshop: Workshop, tmp_path: Path) -> None:
    own = workshop.places.supervisor_log
    older, newer = workshop.places.own_logs
    with open(own, "ab") as file:
        file.write(b"x" * (MOST_BYTES + 10_000))
    workshop.start_supervisor()

    eventually(older.exists, what="the log of the supervisor to be cut")

    eventually(lambda: newer.stat().st_size < MOST_BYTES, what="it to be short")


@with_and_without
def test_a_job_that_fills_the_disk_of_its_store_ends_with_the_cause(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, killed: bool
) -> None:
    workshop = Workshop(small_disk / "jobs")
    monkeypatch.setenv("JOBS_DATA_DIR", str(workshop.root))
    filler = Running(workshop, tmp_path, greedy.fills_the_disk, str(small_disk / "filler"))
    if killed:
        filler.replace_supervisor()

    filler.begin()
    eventually(lambda: is_full(small_disk), timeout=20, what="the disk to be full")
    assert workshop.job(filler.handle).status in (Status.RUNNING, Status.FAILED)
    (small_disk / "filler").unlink()
    ended = workshop.until_ended(filler.handle)

    assert (ended.status, ended.reason) == (Status.FAILED, Reason.ERROR)
    assert ended.error == "OSError: [Errno 28] No space left on device"
    assert workshop.details(filler.handle).cursor == '"before"'
    workshop.stop()


def is_full(disk: Path) -> bool:
    found = os.statvfs(disk)
    return found.f_bavail == 0
