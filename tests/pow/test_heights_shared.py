"""One poll serves all who ask within five seconds; and what becomes of a height when none comes any more."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from outlast.pow.chain.clock import Moment
from outlast.pow.chain.heights import HeightUnknown, open_heights
from tests.pow.chain import Chain
from tests.pow.looking import Opened, the_file
from tests.pow.ticking import Ticking

SHORT_SECONDS = 0.2
"""For what hangs."""


def test_a_poll_serves_everybody_for_five_seconds(chain: Chain, clock: Ticking, opened: Opened) -> None:
    first = opened().look()
    chain.stand(1001)
    clock.go(4.9)

    second = opened().look()
    clock.go(0.2)
    third = opened().look()

    assert (first, second) == (second, first)
    assert (first.value, third.value, chain.polls) == (1000, 1001, 2)
    assert third.at == clock().wall


def test_a_failure_is_a_poll_too(chain: Chain, clock: Ticking, opened: Opened) -> None:
    chain.say("no", status=500)
    for _ in range(3):
        with pytest.raises(HeightUnknown, match="answered 500"):
            opened().look()

    clock.go(5)
    chain.stand(7)

    assert opened().look().value == 7
    assert chain.polls == 2


def test_a_chain_that_stands_or_jumps_is_believed(chain: Chain, clock: Ticking, opened: Opened) -> None:
    seen = []
    for height in (1000, 1000, 9_000_000, 2**63 - 1):
        chain.stand(height)
        seen.append(opened().look())
        clock.go(5)

    assert [height.value for height in seen] == [1000, 1000, 9_000_000, 2**63 - 1]
    assert {height.notes for height in seen} == {()}


def test_a_chain_that_goes_back_is_believed_and_noted(chain: Chain, clock: Ticking, opened: Opened) -> None:
    opened().look()
    clock.go(5)
    chain.stand(990)

    back, shared = opened().look(), opened().look()
    clock.go(5)
    later = opened().look()

    assert back == shared
    assert (back.value, back.source, back.notes) == (990, "http", ("The chain went back from height 1000 to 990.",))
    assert (later.value, later.notes) == (990, ())


def test_without_an_answer_the_last_height_goes_on_a_block_every_five_seconds(
    chain: Chain, clock: Ticking, opened: Opened
) -> None:
    opened().look()
    chain.close()
    clock.go(62)

    estimate = opened().look()
    clock.go(4)

    assert (estimate.value, estimate.source, estimate.at) == (1012, "estimate", clock().wall - 4)
    assert "Connection refused" in estimate.errors[0]
    assert opened().look().value == 1013


def test_the_last_height_survives_a_reboot(chain: Chain, clock: Ticking, opened: Opened) -> None:
    opened().look()
    chain.close()
    clock.reboot(500)

    assert opened().look().value == 1100


@pytest.mark.parametrize("seconds", [-1.0, -172_800.0, -1_750_000_000.0, 31_536_000.0])
def test_a_clock_that_was_set_makes_no_blocks(chain: Chain, clock: Ticking, opened: Opened, seconds: float) -> None:
    opened().look()
    chain.close()
    clock.go(10)
    clock.set_wall(seconds)

    assert opened().look().value == 1002


@pytest.mark.parametrize("seconds", [-172_800.0, 31_536_000.0])
def test_a_clock_that_was_set_over_a_reboot_costs_a_poll_and_nothing_else(
    chain: Chain, clock: Ticking, opened: Opened, seconds: float
) -> None:
    opened().look()
    clock.reboot(seconds)
    chain.stand(1001)

    assert [opened().look().value for _ in range(3)] == [1001] * 3
    assert chain.polls == 2


def test_a_last_height_from_the_future_does_not_shrink(chain: Chain, clock: Ticking, opened: Opened) -> None:
    opened().look()
    chain.close()
    clock.reboot(-1000)

    assert opened().look().value == 1000


def test_many_threads_of_one_process_cause_one_poll(chain: Chain, opened: Opened) -> None:
    together = threading.Barrier(20)

    def look(_: int) -> int:
        heights = opened()
        together.wait()
        return heights.look().value

    with ThreadPoolExecutor(20) as pool:
        values = list(pool.map(look, range(20)))

    assert values == [1000] * 20
    assert chain.polls == 1


def test_who_gets_the_lock_late_does_not_poll_again(chain: Chain, clock: Ticking, cache: Path, opened: Opened) -> None:
    opened().look()
    clock.go(5)
    times: list[Moment] = []

    def interrupted() -> Moment:
        """Tell the moment; at the second time, when the stale file was just read, let somebody else poll first."""
        times.append(clock())
        if len(times) == 2:
            opened().look()
        return clock()

    heights = open_heights(database_url=None, api_url=chain.url, cache_dir=cache, clock=interrupted)

    assert heights.look().value == 1000
    assert len(times) > 2
    assert chain.polls == 2


def test_if_nobody_lets_go_the_last_height_is_estimated(
    chain: Chain, clock: Ticking, cache: Path, opened: Opened, holding: Callable[[Path], None]
) -> None:
    opened().look()
    for lock in ("lock", "spare"):
        holding(the_file(cache).with_suffix(f".{lock}"))
    clock.go(10)

    estimate = opened(SHORT_SECONDS).look()

    assert (estimate.value, estimate.source) == (1002, "estimate")
    assert "has not come back" in estimate.errors[0]
    assert chain.polls == 1


@pytest.fixture
def holding() -> Iterator[Callable[[Path], None]]:
    """Return a function that holds a lock as somebody else would."""
    import fcntl

    with ExitStack() as stack:

        def hold(lock: Path) -> None:
            fcntl.flock(stack.enter_context(open(lock, "ab")), fcntl.LOCK_EX | fcntl.LOCK_NB)

        yield hold
