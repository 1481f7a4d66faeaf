"""A crew tries every nonce once, finds what one searcher finds, and loses nothing with a process."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from outlast import OutlastError
from outlast.core.errors import JobCancelled
from outlast.pow.searching.crew import Crew
from outlast.pow.searching.hands import OwnHands
from outlast.pow.searching.orders import Find, Order
from outlast.pow.searching.search import ANY, limit
from outlast.pow.searching.team import Team
from tests.pow.plainly import digest
from tests.processes import seen
from tests.waiting import eventually

PREFIX = b"2-371BUILD1000NONCE"
HIT = 5_721_567
"""Its first with six zeros."""
NEVER = b""
"""A bound that no digest is below."""
STOP = 60_000
LOWEST = min(range(STOP), key=lambda nonce: digest(PREFIX, nonce))


def find(nonce: int) -> Find:
    return Find(nonce, digest(PREFIX, nonce))


def workers(crew: Crew) -> list[int]:
    hands = crew._hands
    assert isinstance(hands, Team)
    return hands.pids


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("choice", ["hashlib", "auto", "llvm"])
def test_it_tries_every_nonce_below_the_stop_once_and_knows_the_best(processes: int, choice: str) -> None:
    with Crew(PREFIX, processes=processes, choice=choice) as crew:
        assert crew.work(60, STOP, NEVER) is None

        assert (crew.next_nonce, crew.done_above, crew.tried) == (STOP, [], STOP)
        assert crew.best == find(LOWEST)
        assert crew.work(60, STOP, NEVER) is None, "at once: nothing is left"


def test_alone_it_finds_what_one_searcher_finds_first() -> None:
    with Crew(PREFIX) as crew:
        found = crew.work(60, 10**9, limit(6))

        assert found == crew.best == find(HIT)
        assert crew.tried == HIT + 1
        assert crew.next_nonce <= HIT


def test_several_find_a_nonce_that_proves_it() -> None:
    with Crew(PREFIX, processes=2, start=5_000_000) as crew:
        found = crew.work(60, 10**9, limit(6))

        assert found is not None
        assert found == find(found.nonce)
        assert found.digest < limit(6)
        assert 0 < crew.tried <= found.nonce + 1_000_000_000


@pytest.mark.parametrize("processes", [1, 2])
def test_what_was_found_earlier_meets_a_bound_that_rises(processes: int) -> None:
    with Crew(PREFIX, processes=processes) as crew:
        crew.work(60, STOP, NEVER)
        tried = crew.tried

        assert crew.work(60, STOP, limit(1)) == find(LOWEST)
        assert crew.tried == tried


@pytest.mark.parametrize("processes", [1, 2])
def test_after_a_hit_it_goes_on_with_a_tighter_bound(processes: int) -> None:
    with Crew(PREFIX, processes=processes, choice="hashlib") as crew:
        found = crew.work(60, STOP, limit(3))
        assert found is not None

        while found is not None:
            best, found = found, crew.work(60, STOP, found.digest)

        assert best == find(LOWEST)
        assert (crew.tried, crew.next_nonce) == (STOP, STOP)


def test_the_time_is_over_before_the_search() -> None:
    with Crew(PREFIX, processes=2) as crew:
        calls = 0
        while crew.tried < 100_000:
            assert crew.work(0.02, 10**12, limit(40)) is None
            calls += 1

        assert calls > 1
        assert crew.next_nonce <= crew.tried


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1), (2, 3)])
def test_another_crew_goes_on_from_a_state_with_another_number_of_processes(first: int, then: int) -> None:
    with Crew(PREFIX, processes=first, choice="hashlib") as crew:
        while crew.tried < 20_000:
            crew.work(0, STOP, NEVER)
        state = json.loads(json.dumps(crew.state()))
        recorded, best = crew.tried, crew.best

    with Crew(PREFIX, processes=then, choice="hashlib", state=state) as crew:
        assert crew.best == best
        crew.work(60, STOP, NEVER)

        assert crew.tried == STOP - recorded, "what was recorded is not tried again, and nothing is left out"
        assert (crew.next_nonce, crew.best) == (STOP, find(LOWEST))


def test_a_state_with_gaps_is_filled() -> None:
    state = {"next_nonce": 100, "done_above": [[500, 900], [2_000, 30_000]], "best": None}

    with Crew(PREFIX, choice="hashlib", state=state) as crew:
        crew.work(60, 40_000, NEVER)

        assert (crew.tried, crew.next_nonce) == (40_000 - 100 - 400 - 28_000, 40_000)


def test_the_state_of_a_hit_leads_to_it_again() -> None:
    with Crew(PREFIX, start=HIT - 5_000) as crew:
        crew.work(60, 10**9, limit(6))
        state = crew.state()

    with Crew(PREFIX, state={**state, "best": None}) as crew:
        assert crew.work(60, 10**9, limit(6)) == find(HIT)


def test_killed_processes_are_replaced_and_no_nonce_is_lost() -> None:
    with Crew(PREFIX, processes=2, choice="hashlib") as crew:
        for victim in (0, 1, 0, 1):
            crew.work(0.02, 600_000, NEVER)
            os.kill(workers(crew)[victim], signal.SIGKILL)
        crew.work(60, 600_000, NEVER)

        assert (crew.tried, crew.next_nonce, crew.done_above) == (600_000, 600_000, [])
        assert crew.best == find(min(range(600_000), key=lambda nonce: digest(PREFIX, nonce)))


def test_processes_that_always_die_are_an_error() -> None:
    def kill_whoever_begins(crew: Crew) -> None:
        while True:
            crew.work(0, 10**12, NEVER)
            for pid in workers(crew):
                os.kill(pid, signal.SIGKILL)

    with Crew(PREFIX, processes=2) as crew:
        with pytest.raises(OutlastError, match="ended 3 times without finishing a block: killed by SIGKILL"):
            kill_whoever_begins(crew)

        assert crew.state() == {"next_nonce": 0, "done_above": [], "best": None}


def test_the_error_of_a_process_is_told_in_its_words() -> None:
    with (
        Crew(PREFIX, processes=2, choice="slide rule") as crew,
        pytest.raises(OutlastError, match=r"'slide rule' is no way to search\. Use auto, hashlib, llvm\."),
    ):
        crew.work(60, STOP, NEVER)


@pytest.mark.parametrize("processes", [0, -1])
def test_a_crew_of_nobody_is_refused(processes: int) -> None:
    with pytest.raises(OutlastError, match="cannot search"):
        Crew(PREFIX, processes=processes)


def test_a_cancel_in_the_middle_leaves_no_process_and_a_right_state() -> None:
    def cancel(*_: object) -> None:
        raise JobCancelled

    def work_until_cancelled() -> tuple[Crew, list[int]]:
        with suppress(JobCancelled), Crew(PREFIX, processes=2) as crew:
            pids = workers(crew)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            crew.work(60, 10**12, limit(40))
        return crew, pids

    old = signal.signal(signal.SIGALRM, cancel)
    try:
        crew, pids = work_until_cancelled()
    finally:
        signal.signal(signal.SIGALRM, old)

    assert [seen(pid) for pid in pids] == [None, None]
    assert crew.next_nonce <= crew.tried
    assert crew.state()["next_nonce"] == crew.next_nonce


PARENT = """
import sys
from outlast.pow.searching.crew import Crew
from outlast.pow.searching.search import limit
with Crew(b"x", processes=2) as crew:
    crew.work(0.2, 10**12, limit(40))
    print(*crew._hands.pids, flush=True)
    while True:
        crew.work(60, 10**12, limit(40))
"""


def test_processes_end_with_the_one_they_work_for(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    found = [seen(int(pid)) for pid in parent.stdout.readline().split()]
    assert all(found), "they live while it does"

    parent.kill()
    parent.communicate()

    eventually(lambda: not any(process and process.is_alive for process in found), what="the end of its processes")


def test_processes_inherit_the_environment_and_the_import_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTLAST_PROCESS_ID", "p0123")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise ImportError('not this one')")

    with Crew(PREFIX, processes=2, choice="hashlib") as crew:
        crew.work(60, STOP, NEVER)
        environments = [Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in workers(crew)]

    assert all(b"OUTLAST_PROCESS_ID=p0123" in environment for environment in environments)
    assert crew.tried == STOP


def test_blocks_grow_with_the_speed() -> None:
    """So that a death costs a fraction of a second, whatever the speed."""
    with Crew(PREFIX, choice="hashlib", start=10**9) as crew:
        sizes = []
        for _ in range(8):
            before = crew.tried
            crew.work(0, 10**12, NEVER)
            sizes.append(crew.tried - before)

    assert sizes[0] == 10_000
    assert sizes[0] < max(sizes) <= 5_000_000


def test_an_order_that_nobody_gave_has_no_end() -> None:
    hands = OwnHands(PREFIX, "hashlib")

    assert hands.next_end(0) is None
    hands.give(Order(block=range(9), below=ANY, target=NEVER))
    assert not hands.are_idle()
