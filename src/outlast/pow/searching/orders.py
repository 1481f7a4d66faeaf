"""What one who searches is told, what they report, and the doing itself: the same in this process and in another."""

import json
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from outlast.pow.searching.search import Searcher


class Find(NamedTuple):
    """A nonce and the digest it gives."""

    nonce: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Look in `block` for digests below `below`, and stop at the first below `target`, which is not above `below`."""

    block: range
    below: bytes
    target: bytes

    def as_line(self) -> bytes:
        return _line([self.block.start, self.block.stop, self.below.hex(), self.target.hex()])

    @classmethod
    def from_line(cls, line: bytes) -> "Order":
        start, stop, below, target = json.loads(line)
        return cls(block=range(start, stop), below=bytes.fromhex(below), target=bytes.fromhex(target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an order came to: nonces up to `end` were tried, and `best` has the lowest digest that was low enough."""

    block: range
    end: int
    best: Find | None
    seconds: float

    def as_line(self) -> bytes:
        best = None if self.best is None else [self.best.nonce, self.best.digest.hex()]
        return _line([self.block.start, self.block.stop, self.end, best, self.seconds])

    @classmethod
    def from_line(cls, line: bytes) -> "Report":
        start, stop, end, best, seconds = json.loads(line)
        find = None if best is None else Find(best[0], bytes.fromhex(best[1]))
        return cls(block=range(start, stop), end=end, best=find, seconds=seconds)


def carry_out(order: Order, searcher: Searcher) -> Report:
    """Search a block, for the best there is or until the target is met."""
    began = perf_counter()
    best, at, below = None, order.block.start, order.below
    while at < order.block.stop:
        found = searcher.first_below(at, order.block.stop, below)
        if found is None:
            at = order.block.stop
            break
        best = Find(*found)
        at, below = best.nonce + 1, best.digest
        if below < order.target:
            break
    return Report(block=order.block, end=at, best=best, seconds=perf_counter() - began)


def _line(fields: list[object]) -> bytes:
    return json.dumps(fields).encode() + b"\n"
