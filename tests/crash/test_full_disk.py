"""A full disk: what is saved stays, what cannot be saved is told or waits, and all goes on when there is room again.

TORTURE_DISKS is the number of sizes that are tried.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.core.errors import StoreFull
from outlast.core.status import Status
from outlast.functions import with_policy
from tests.cli.shell import Shell
from tests.crash.work import number, steady_steps, words
from tests.disks import Filler
from tests.waiting import eventually
from tests.workshop import Workshop

STEPS = 40
DISKS = int(os.environ.get("TORTURE_DISKS", "2"))
SIZES = [f"{megabytes}m" for megabytes in (1, 8, *range(2, 8), *range(9, 60))][:DISKS]


@pytest.fixture
def workshop(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    place = Workshop(small_disk / "jobs")
    monkeypatch.setenv("JOBS_DATA_DIR", str(place.root))
    yield place
    place.stop()


@pytest.mark.parametrize("killed", [False, True], ids=["", "supervisor-killed"])
def test_a_running_job_waits_for_room_and_repeats_nothing(
    workshop: Workshop, small_disk: Path, tmp_path: Path, *, killed: bool
) -> None:
    notes, filler = tmp_path / "notes", Filler(small_disk)
    handle = workshop.submit(steady_steps, str(notes), STEPS)
    eventually(lambda: len(words(notes)) > 5, timeout=20, what="some steps")

    filler.fill()
    with pytest.raises(StoreFull, match=r"Nothing was changed\. Free some space"):
        workshop.submit(number, 1)
    assert workshop.job(handle).status is Status.RUNNING
    assert workshop.outlast.list()["jobs"][0]["job_id"] == handle.id
    if killed:
        workshop.kill_supervisor()
    filler.free()

    assert handle.result(20) == STEPS
    assert words(notes) == [str(step) for step in range(STEPS)]
    assert workshop.job(handle).attempt == 1
    assert workshop.submit(number, 2).result(20) == 2


@pytest.mark.parametrize("small_disk", SIZES, indirect=True)
def test_commands_work_on_a_full_disk_or_say_why_in_a_line(
    workshop: Workshop, small_disk: Path, tmp_path: Path
) -> None:
    notes, filler, shell = tmp_path / "notes", Filler(small_disk), Shell(tmp_path, workshop.root)
    done = [workshop.submit(number, value) for value in range(20)]
    steady = workshop.submit(with_policy(steady_steps, keep=True), str(notes), STEPS)
    waiting = workshop.submit(with_policy(number, keep=True), 1, delay="1h")
    for handle in done:
        handle.result(20)
    eventually(lambda: len(words(notes)) > 5, timeout=20, what="some steps")

    filler.fill()
    looks = [("list", "-a", "--json"), ("show", steady.id, "--json"), ("stats", "--json"), ("logs", done[0].id)]
    changes = [("cancel", waiting.id), ("pause", steady.id), ("remove", done[0].id), ("prune", "--older-than", "0s")]
    looked = [shell.outlast(*command) for command in looks]
    changed = [shell.outlast(*command) for command in changes]
    filler.free()

    assert [said.code for said in looked] == [0] * len(looks)
    for said in changed:
        if said.code == 2:
            assert "cannot be paused" in said.err  # it came too late
        elif said.code:
            assert said.code == 3
            first, second = said.err.splitlines()
            assert re.fullmatch(r"Error: .*(full|No space).*", first)
            assert "Free some space" in second
    if changed[1].code == 0:
        workshop.until(steady, Status.WAITING)
        steady.resume()
    assert steady.result(20) == STEPS
    assert words(notes) == [str(step) for step in range(STEPS)]
    assert shell.outlast("cancel", waiting.id, code=0)
    assert shell.outlast("prune", "--older-than", "0s", code=0)
    assert {job["job_id"]: job["status"] for job in workshop.outlast.list()["jobs"]} == {
        steady.id: "completed",
        waiting.id: "cancelled",
    }
