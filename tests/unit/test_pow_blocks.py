"""The book of a search: every nonce is handed out until it is completed, and then no more, whatever happens."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlast.pow.searching.blocks import Blocks

ACTIONS = st.lists(
    st.tuples(st.sampled_from(["take", "complete", "give back", "resume"]), st.integers(1, 40)), max_size=60
)


class Watch:
    """Takes blocks out of a book, and knows by itself which nonces were tried."""

    def __init__(self, blocks: Blocks) -> None:
        self.start = blocks.next_nonce
        self.blocks = blocks
        self.taken: list[range] = []
        self.tried: set[int] = set()

    def do(self, action: str, number: int, stop: int) -> None:
        if action == "take":
            self._take(number, stop)
        elif action == "resume":
            told = json.loads(json.dumps([self.blocks.next_nonce, self.blocks.done_above]))
            self.blocks, self.taken = Blocks(*told), []
        elif self.taken:
            block = self.taken.pop(number % len(self.taken))
            if action == "complete":
                self.tried.update(block)
                self.blocks.complete(block)
            else:
                self.blocks.give_back(block)

    def _take(self, size: int, stop: int) -> None:
        block = self.blocks.take(size, stop)
        if block is None:
            return
        assert 0 < len(block) <= size
        assert block.stop <= stop
        assert not self.tried.intersection(block), "tried twice"
        assert not any(set(block).intersection(other) for other in self.taken), "handed out twice"
        self.taken.append(block)

    def finish(self, stop: int) -> None:
        """Complete everything below `stop`."""
        while self.taken or not self._is_all_taken(stop):
            self.do("complete", 0, stop)

    def _is_all_taken(self, stop: int) -> bool:
        self._take(7, stop)
        return not self.taken


def watch(blocks: Blocks, stop: int, actions: list[tuple[str, int]]) -> None:
    """Do all that to a book, then try what is left; raise AssertionError if a nonce is not tried exactly once."""
    watch = Watch(blocks)
    for action, number in actions:
        watch.do(action, number, stop)
        recorded = set(range(watch.start, watch.blocks.next_nonce))
        recorded.update(*(range(*piece) for piece in watch.blocks.done_above))
        assert recorded == watch.tried, "what is recorded as tried was tried, and nothing else"
    watch.finish(stop)
    assert watch.tried == set(range(watch.start, stop))
    assert watch.blocks.next_nonce == max(watch.start, stop)
    assert watch.blocks.done_above == []


@given(start=st.integers(0, 5), stop=st.integers(0, 400), actions=ACTIONS)
def test_every_nonce_is_tried_exactly_once_whatever_happens(
    start: int, stop: int, actions: list[tuple[str, int]]
) -> None:
    watch(Blocks(start), stop, actions)


class Forgetful(Blocks):
    def give_back(self, block: range) -> None:
        pass


class Hasty(Blocks):
    def complete(self, block: range) -> None:
        self.next_nonce = block.stop


class Repeating(Blocks):
    def complete(self, block: range) -> None:
        self.give_back(block)
        super().complete(block)


@pytest.mark.parametrize("faulty", [Forgetful, Hasty, Repeating])
def test_the_check_catches_a_book_that_is(faulty: type[Blocks]) -> None:
    actions = [("take", 5), ("take", 5), ("give back", 0), ("complete", 0), ("take", 5), ("take", 5)]
    watch(Blocks(0), 50, actions)

    with pytest.raises(AssertionError):
        watch(faulty(0), 50, actions)


def test_blocks_come_in_order_and_one_that_is_given_back_comes_first() -> None:
    blocks = Blocks(0)
    first, second = blocks.take(10, 100), blocks.take(10, 100)
    assert first is not None
    assert second is not None

    blocks.give_back(first)

    assert [blocks.take(4, 100), blocks.take(100, 100), blocks.take(10, 100)] == [
        range(4),
        range(4, 10),
        range(20, 30),
    ]


def test_the_next_nonce_waits_for_the_lowest_block() -> None:
    blocks = Blocks(0)
    low, middle, high = (blocks.take(10, 100) for _ in range(3))
    assert low is not None
    assert middle is not None
    assert high is not None

    blocks.complete(high)
    blocks.complete(middle)
    above = blocks.done_above, blocks.next_nonce
    blocks.complete(low)

    assert above == ([(10, 30)], 0)
    assert (blocks.done_above, blocks.next_nonce, blocks.tried) == ([], 30, 30)


@pytest.mark.parametrize("stop", [0, 5])
def test_nothing_is_handed_out_at_or_above_the_stop(stop: int) -> None:
    assert Blocks(5).take(10, stop) is None


def test_a_stop_that_has_risen_lets_the_search_go_on() -> None:
    blocks = Blocks(0)

    assert [blocks.take(10, 4), blocks.take(10, 4), blocks.take(10, 8)] == [range(4), None, range(4, 8)]
