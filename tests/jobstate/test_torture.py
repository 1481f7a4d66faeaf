"""Scripts that are killed at any moment, and many that complete at once: nothing finished is lost or done again.

TORTURE_SCRIPT_KILLS=200 and TORTURE_COMPLETIONS=1000 are the full sizes; TORTURE_SEED replays a run.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from outlast import JobState
from tests.faults.fixtures import ROOT, faultio
from tests.figures import Figures
from tests.jobstate import crowd
from tests.jobstate.places import ACCOUNT, DAY, TYPE, json_path, read_json, visible_names
from tests.waiting import eventually

__all__ = ["faultio"]

KILLS = int(os.environ.get("TORTURE_SCRIPT_KILLS", "40"))
COMPLETIONS = int(os.environ.get("TORTURE_COMPLETIONS", "120"))
ACCOUNTS, TYPES, ACTIVITIES = 3, 3, 20
MILLISECONDS = (20, 50) if KILLS >= 200 else (4, 10)
WORKERS = 8
HOSTILE = int(os.environ.get("TORTURE_NAMES", "1000"))
RUNNERS = 4


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


def start(directory: Path, diary: Path) -> "subprocess.Popen[bytes]":
    numbers = map(str, (ACCOUNTS, TYPES, ACTIVITIES, *MILLISECONDS))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.jobstate.daily", str(directory), str(diary), *numbers], cwd=ROOT
    )


def kill_at_a_moment(process: "subprocess.Popen[bytes]", diary: Diary, chance: random.Random, inside: bool) -> bool:
    """Kill the script after a while, inside an activity or wherever it is; return whether it was inside one."""
    before = len(diary.lines())
    wanted = before + chance.randint(1, max(1, 600 // KILLS))

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


@pytest.mark.timeout(120 + KILLS)
def test_a_script_that_is_killed_does_nothing_again_that_was_finished(
    tmp_path: Path, memory_disk: Path, figures: Figures
) -> None:
    chance = random.Random(figures.seed())
    directory, diary = tmp_path / "state", Diary(tmp_path / "diary")
    kills, inside = 0, 0
    while kills < KILLS:
        process = start(directory, tmp_path / "diary")
        was_inside = kill_at_a_moment(process, diary, chance, inside=kills % 3 != 0)
        if process.returncode == 0:  # it came to the end before it was killed: another round
            break
        kills, inside = kills + 1, inside + was_inside
    assert start(directory, tmp_path / "diary").wait() == 0
    assert start(memory_disk / "unkilled", memory_disk / "diary").wait() == 0

    redone, repeated = diary.faults()

    print(f"{kills} kills, {inside} inside an activity; {repeated} repeated, {len(redone)} redone")
    figures.reached("kills", kills)
    assert redone == []
    assert repeated <= inside
    assert inside >= kills // 2
    assert contents(directory) == contents(memory_disk / "unkilled")
    assert JobState(dir=directory).doctor() == []


@pytest.mark.timeout(180 + COMPLETIONS)
def test_many_processes_complete_one_checklist(tmp_path: Path, faultio: Path, figures: Figures) -> None:
    chance = random.Random(figures.seed())
    environment = {**os.environ, "LD_PRELOAD": str(faultio), "FI_OPS": "none"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.jobstate.crowd", str(tmp_path), str(WORKERS), str(number), str(COMPLETIONS)]
            + ["full"] * (number == 0),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for number in range(WORKERS)
    ]
    victims = chance.sample(range(1, WORKERS), 3)
    acknowledged: list[list[str]] = [[] for _ in workers]
    threads = [
        threading.Thread(target=listen, args=(worker, acknowledged[number], number in victims, chance.random()))
        for number, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()

    looks = read_until(tmp_path, threads)
    for thread in threads:
        thread.join()
    codes = [worker.wait() for worker in workers]

    completed = set(read_all(tmp_path).open(ACCOUNT, TYPE, [], DAY).completed)
    told = {name for names in acknowledged for name in names}
    print(f"{len(told)} acknowledged, {len(completed)} completed, {looks} looks; {codes}")
    assert told <= completed
    assert len(completed - told) <= len(victims)
    assert [code for number, code in enumerate(codes) if number not in victims] == [0] * (WORKERS - len(victims))
    for number in set(range(WORKERS)) - set(victims):
        assert set(crowd.names_of(number, COMPLETIONS)) <= completed
    assert looks > 10


def read_all(directory: Path) -> JobState:
    return JobState(dir=directory, timezone="UTC")


def listen(worker: "subprocess.Popen[bytes]", acknowledged: list[str], is_victim: bool, share: float) -> None:
    """Note what a worker acknowledges; kill a victim after its share."""
    assert worker.stdout is not None
    with worker.stdout as lines:
        for line in lines:
            acknowledged.append(line.decode().strip())
            if is_victim and len(acknowledged) > share * COMPLETIONS * 0.9:
                worker.kill()


def read_until(directory: Path, threads: list[threading.Thread]) -> int:
    """Read the JSON as long as somebody writes: it is valid all the time, and completions never disappear."""
    looks, before = 0, 0
    path = json_path(directory)
    while any(thread.is_alive() for thread in threads):
        if not path.exists():
            continue
        shown = json.loads(path.read_bytes())
        assert len(shown["completed"]) >= before
        assert len(shown["completed"]) + len(shown["remaining"]) == WORKERS * COMPLETIONS
        looks, before = looks + 1, len(shown["completed"])
    return looks


@pytest.mark.timeout(300)
def test_hostile_accounts_under_kills(memory_disk: Path, figures: Figures) -> None:
    chance = random.Random(figures.seed())
    directory, diary = memory_disk / "inside" / "state", Diary(memory_disk / "diary")
    (memory_disk / "etc").mkdir()
    share = 2 * HOSTILE // RUNNERS

    def run(number: int) -> "subprocess.Popen[bytes]":
        numbers = map(str, (HOSTILE, number * HOSTILE // RUNNERS, share))
        words = [sys.executable, "-m", "tests.jobstate.hostile_run", str(directory), str(memory_disk / "diary")]
        return subprocess.Popen([*words, *numbers], cwd=ROOT)

    running = {number: run(number) for number in range(RUNNERS)}
    kills = 0
    while running:
        victim = chance.choice(sorted(running))
        if kills < RUNNERS * 3:
            threading.Event().wait(chance.uniform(0.1, 0.4))
            running[victim].kill()
            kills += 1
        if running[victim].wait() == 0:
            del running[victim]
        else:
            running[victim] = run(victim)

    redone, repeated = diary.faults()
    files = visible_names(directory)
    print(f"{HOSTILE} names, {kills} kills, {repeated} repeated, {len(redone)} redone, {len(files)} files")
    figures.reached("names", HOSTILE)
    figures.reached("kills", kills)
    assert redone == []
    assert repeated <= kills
    assert len(files) == 2 * HOSTILE
    assert all(read_json(directory / name)["remaining"] == [] for name in files)
    assert sorted(os.listdir(memory_disk)) == ["diary", "etc", "inside"]
    assert os.listdir(memory_disk / "etc") == []
    assert os.listdir(memory_disk / "inside") == ["state"]
    assert JobState(dir=directory).doctor() == []
