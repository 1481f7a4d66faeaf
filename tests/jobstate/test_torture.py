"""Scripts that are killed at any moment, and many that complete at once: nothing finished is lost or done again.

TORTURE_SCRIPT_KILLS=200 and TORTURE_COMPLETIONS=1000 are the full sizes; TORTURE_SEED replays a run. Each judge is
first given scripts with a fault (planted.py).
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from outlast import JobState
from tests.faults.fixtures import ROOT, faultio
from tests.figures import Figures
from tests.jobstate import crowd, planted
from tests.jobstate.places import ACCOUNT, DAY, TYPE, json_path, read_json, visible_names
from tests.waiting import eventually

__all__ = ["faultio"]

KILLS = int(os.environ.get("TORTURE_SCRIPT_KILLS", "40"))
COMPLETIONS = int(os.environ.get("TORTURE_COMPLETIONS", "120"))
ACCOUNTS, TYPES, ACTIVITIES = 3, 3, 20
MILLISECONDS = (20, 50) if KILLS >= 200 else (4, 10)
FEW_KILLS, FEW_COMPLETIONS, FEW_NAMES = 6, 60, 80
"""Enough to catch a planted fault."""
WORKERS = 8
HOSTILE = int(os.environ.get("TORTURE_NAMES", "1000"))
RUNNERS, HOSTILE_KILLS = 8, 40


class Diary:
    """What the script told outside."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self._path.read_text().splitlines()] if self._path.exists() else []

    def faults(self) -> tuple[list[str], int]:
        """Return what was done again although it was saved, and how often something was begun again."""
        saved: set[str] = set()
        begun: Counter[str] = Counter()
        redone = []
        for word, *what in self.lines():
            name = " ".join(what)
            if word == "saved":
                saved.add(name)
            elif word == "in":
                begun[name] += 1
                if name in saved:
                    redone.append(name)
        return redone, sum(begun.values()) - len(begun)


def start(directory: Path, diary: Path, fault: str = "") -> "subprocess.Popen[bytes]":
    numbers = map(str, (ACCOUNTS, TYPES, ACTIVITIES, *MILLISECONDS))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.jobstate.daily", str(directory), str(diary), *numbers],
        cwd=ROOT,
        env={**os.environ, planted.VARIABLE: fault},
    )


def kill_at_a_moment(process: "subprocess.Popen[bytes]", diary: Diary, chance: random.Random, inside: bool) -> bool:
    """Kill the script after a while, inside an activity or wherever it is; return whether it was inside one."""
    before = len(diary.lines())
    wanted = before + chance.randint(1, max(1, 600 // max(KILLS, 40)))

    def reached() -> bool:
        lines = diary.lines()
        ready = len(lines) >= wanted and (not inside or lines[-1][0] == "in")
        return ready or process.poll() is not None

    eventually(reached, timeout=60, what="a moment to kill")
    if not inside:
        threading.Event().wait(chance.uniform(0, 0.01))
    process.send_signal(signal.SIGKILL)
    process.wait()
    lines = diary.lines()
    return process.returncode == -signal.SIGKILL and bool(lines) and lines[-1][0] in ("in", "did")


def contents(directory: Path) -> dict[str, dict[str, object]]:
    """Return every JSON without the time of its last change."""
    found = {name: read_json(directory / name) for name in visible_names(directory)}
    return {name: {key: value for key, value in each.items() if key != "lastUpdate"} for name, each in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """What came of a script that was killed: `redone` was saved before it was begun again."""

    kills: int
    inside: int
    repeated: int
    redone: list[str]
    is_as_unkilled: bool


def kill_again_and_again(root: Path, elsewhere: Path, chance: random.Random, most: int, fault: str = "") -> Days:
    """Kill the script so often, let it end, and compare with one that is left alone."""
    directory, diary = root / "state", Diary(root / "diary")
    kills, inside = 0, 0
    while kills < most:
        process = start(directory, root / "diary", fault)
        was_inside = kill_at_a_moment(process, diary, chance, inside=kills % 3 != 0)
        if process.returncode == 0:  # it came to the end before it was killed
            break
        kills, inside = kills + 1, inside + was_inside
    assert start(directory, root / "diary", fault).wait() == 0
    assert start(elsewhere / "unkilled", elsewhere / "diary").wait() == 0
    redone, repeated = diary.faults()
    print(f"{kills} kills, {inside} inside an activity; {repeated} repeated, {len(redone)} redone")
    is_as_unkilled = contents(directory) == contents(elsewhere / "unkilled")
    return Days(kills=kills, inside=inside, repeated=repeated, redone=redone, is_as_unkilled=is_as_unkilled)


@pytest.mark.timeout(120 + KILLS)
def test_a_script_that_is_killed_does_nothing_again_that_was_finished(
    tmp_path: Path, memory_disk: Path, figures: Figures
) -> None:
    days = kill_again_and_again(tmp_path, memory_disk, random.Random(figures.seed()), KILLS)

    figures.reached("kills", days.kills)
    assert days.redone == []
    assert days.repeated <= days.inside
    assert days.inside >= days.kills // 2
    assert days.is_as_unkilled
    assert JobState(dir=tmp_path / "state").doctor() == []


@pytest.mark.planted
def test_a_killed_script_that_promises_too_early_is_caught(memory_disk: Path, figures: Figures) -> None:
    chance = random.Random(figures.seed())

    days = kill_again_and_again(memory_disk, memory_disk, chance, FEW_KILLS, "promises_too_early")

    assert days.redone != []


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What came of many processes: `lost` was acknowledged, `unasked` is completed and was not; `looks` of a reader
    found the `torn` states."""

    lost: set[str]
    unasked: set[str]
    unfinished: set[str]
    codes: list[int]
    victims: list[int]
    looks: int
    torn: list[str]


def complete_together(directory: Path, faultio: Path, chance: random.Random, many: int, fault: str = "") -> Crowd:
    """Let processes complete one checklist, one of them on a full disk for a while, and kill three."""
    environment = {**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none", planted.VARIABLE: fault}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.jobstate.crowd", str(directory), str(WORKERS), str(number), str(many)]
            + ["full"] * (number == 0),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for number in range(WORKERS)
    ]
    victims = chance.sample(range(1, WORKERS), 3)
    told: list[list[str]] = [[] for _ in workers]
    threads = [
        threading.Thread(target=listen, args=(worker, told[n], chance.random() * many * 0.9 if n in victims else None))
        for n, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    looks, torn = read_until(directory, threads, WORKERS * many)
    for thread in threads:
        thread.join()
    codes = [worker.wait() for worker in workers]

    completed = set(JobState(dir=directory, timezone="UTC").open(ACCOUNT, TYPE, [], DAY).completed)
    acknowledged = {name for names in told for name in names}
    whole = {name for n in range(WORKERS) if n not in victims for name in crowd.names_of(n, many)}
    print(f"{len(acknowledged)} acknowledged, {len(completed)} completed, {looks} looks; {codes}")
    return Crowd(
        lost=acknowledged - completed,
        unasked=completed - acknowledged,
        unfinished=whole - completed,
        codes=[code for n, code in enumerate(codes) if n not in victims],
        victims=victims,
        looks=looks,
        torn=torn,
    )


def listen(worker: "subprocess.Popen[bytes]", acknowledged: list[str], most: float | None) -> None:
    """Note what a worker acknowledges; kill a victim that has done its share."""
    assert worker.stdout is not None
    with worker.stdout as lines:
        for line in lines:
            acknowledged.append(line.decode().strip())
            if most is not None and len(acknowledged) > most:
                worker.kill()


def read_until(directory: Path, threads: list[threading.Thread], names: int) -> tuple[int, list[str]]:
    """Read the JSON as long as somebody writes; return how often, and what it was when it was not as it must be:
    valid, with all names, and with all completions of the look before."""
    looks, before, torn = 0, 0, []
    path = json_path(directory)
    while any(thread.is_alive() for thread in threads):
        try:
            shown = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValueError as error:
            torn.append(f"look {looks}: {error}")
            continue
        now = len(shown["completed"])
        if now < before or now + len(shown["remaining"]) != names:
            torn.append(f"look {looks}: {now} completed after {before}, {len(shown['remaining'])} remain")
        looks, before = looks + 1, now
    return looks, torn


@pytest.mark.timeout(180 + COMPLETIONS)
def test_many_processes_complete_one_checklist(tmp_path: Path, faultio: Path, figures: Figures) -> None:
    crowd = complete_together(tmp_path, faultio, random.Random(figures.seed()), COMPLETIONS)

    figures.reached("kills", len(crowd.victims))
    assert crowd.lost == set()
    assert crowd.unfinished == set()
    assert len(crowd.unasked) <= len(crowd.victims)
    assert crowd.codes == [0] * (WORKERS - len(crowd.victims))
    assert crowd.torn == []
    assert crowd.looks > 10


@pytest.mark.planted
@pytest.mark.parametrize("fault", ["promises_too_early", "writes_in_place"])
def test_processes_with_a_fault_are_caught(memory_disk: Path, faultio: Path, fault: str, figures: Figures) -> None:
    crowd = complete_together(memory_disk, faultio, random.Random(figures.seed()), FEW_COMPLETIONS, fault)

    assert crowd.lost if fault == "promises_too_early" else crowd.torn


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What came of accounts with hostile names: what stands inside the directory, and what around it."""

    kills: int
    repeated: int
    redone: list[str]
    files: list[str]
    undone: list[str]
    around: list[str]


def run_hostile_accounts(root: Path, chance: random.Random, many: int, fault: str = "") -> Names:
    """Let several scripts share the accounts, each beginning elsewhere, and kill them again and again."""
    directory, diary = root / "inside" / "state", Diary(root / "diary")
    (root / "etc").mkdir()

    def run(number: int) -> "subprocess.Popen[bytes]":
        numbers = map(str, (many, number * many // RUNNERS, 2 * many // RUNNERS))
        words = [sys.executable, "-m", "tests.jobstate.hostile_run", str(directory), str(root / "diary"), *numbers]
        return subprocess.Popen(words, cwd=ROOT, env={**os.environ, planted.VARIABLE: fault})

    running = {number: run(number) for number in range(RUNNERS)}
    kills = 0
    while running:
        victim = chance.choice(sorted(running))
        if kills < HOSTILE_KILLS * many // 1000:
            threading.Event().wait(chance.uniform(0.02, 0.2))
            running[victim].kill()
            kills += 1
        if running[victim].wait() == 0:
            del running[victim]
        else:
            running[victim] = run(victim)

    redone, repeated = diary.faults()
    files = visible_names(directory)
    around = [str(path.relative_to(root)) for path in root.rglob("*") if not path.is_relative_to(directory)]
    print(f"{many} names, {kills} kills, {repeated} repeated, {len(redone)} redone, {len(files)} files")
    undone = [name for name in files if read_json(directory / name)["remaining"]]
    return Names(kills=kills, repeated=repeated, redone=redone, files=files, undone=undone, around=sorted(around))


@pytest.mark.timeout(300 + HOSTILE // 10)
def test_hostile_accounts_under_kills(memory_disk: Path, figures: Figures) -> None:
    names = run_hostile_accounts(memory_disk, random.Random(figures.seed()), HOSTILE)

    figures.reached("names", HOSTILE)
    figures.reached("kills", names.kills)
    assert names.redone == []
    assert names.repeated <= names.kills
    assert len(names.files) == 2 * HOSTILE
    assert names.undone == []
    assert names.around == ["diary", "etc", "inside"]
    assert JobState(dir=memory_disk / "inside" / "state").doctor() == []


@pytest.mark.planted
@pytest.mark.parametrize("fault", ["twins_share_a_file", "climbs_out"])
def test_names_that_meet_or_climb_out_are_caught(memory_disk: Path, fault: str, figures: Figures) -> None:
    names = run_hostile_accounts(memory_disk, random.Random(figures.seed()), FEW_NAMES, fault)

    assert len(names.files) < 2 * FEW_NAMES
    assert (names.around != ["diary", "etc", "inside"]) == (fault == "climbs_out")
