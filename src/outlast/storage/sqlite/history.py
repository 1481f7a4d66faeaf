"""The history: what stays of removed jobs, in blocks of some hundred. All of it inside the caller's transaction."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from outlast.core.moments import Moment
from outlast.core.status import Status
from outlast.storage.sqlite.failures import UNREADABLE
from outlast.storage.sqlite.rows import Execute
from outlast.storage.sqlite.traces import (
    Failed,
    Summary,
    Trace,
    is_sound,
    moment_of,
    pack,
    pack_summary,
    summary_of,
    unpack,
    unpack_summary,
)

BLOCK = 512
"""So many jobs in a block are packed to the last byte; twice as many would save a fiftieth of a byte in each."""
_FULL_BYTES = 64 * 1024
"""A block of long keys is full earlier: it is rewritten whenever jobs are removed."""

_NEWEST = "SELECT number, count, length(packed) FROM history_blocks ORDER BY number DESC LIMIT 1"
_PUT = (
    "INSERT OR REPLACE INTO history_blocks (number, count, first_made, last_made, first_removed, last_removed, summary,"
    " packed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_OLD = "SELECT number FROM history_blocks WHERE first_removed <= ? ORDER BY first_removed LIMIT 1"
_OF_IDS = (
    "SELECT number FROM history_blocks WHERE first_made IS NULL OR (first_made <= ?2 AND last_made >= ?1)"
    " ORDER BY number"
)
_PLAIN = "SELECT number FROM history_blocks WHERE summary IS NULL LIMIT 1"
_OF_KEY = "SELECT block FROM history_keys WHERE key = ?"

_End = tuple[Moment, int, Moment | None]
"""The end of a job, its place (which keeps two ends of one moment apart), and its start."""


@dataclass(slots=True, kw_only=True)
class FailedHere:
    """Failures of one group and kind in the whole history, and the block that holds the last of them."""

    failed: Failed
    block: int

    def add(self, failed: Failed, block: int) -> None:
        """Add what failed in another block."""
        if failed.newest_at > self.failed.newest_at:
            self.block = block
        self.failed = self.failed.with_more(failed)


class History:
    """What stays of the removed jobs of one store.

    Reading raises ValueError, KeyError or TypeError for a block that is damaged (`failures.readable` says so in words).
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def add(self, traces: Sequence[Trace]) -> None:
        """Add what stays of some jobs: the newest block is filled up before the next one is begun."""
        rest = list(traces)
        for number, count, length in self._execute(_NEWEST, ()) if rest else ():
            room = BLOCK - count if length < _FULL_BYTES else 0
            if room > 0:
                self._put(number, self.block(number), rest[:room])
                rest = rest[room:]
        for start in range(0, len(rest), BLOCK):
            [(number,)] = self._execute("SELECT coalesce(max(number), 0) + 1 FROM history_blocks", ())
            self._put(number, [], rest[start : start + BLOCK])
        # A migration packs nothing: its blocks are packed with time.
        for (number,) in self._execute(_PLAIN, ()):
            self._put(number, self.block(number))

    def block(self, number: int) -> list[Trace]:
        """Return the traces of a block."""
        [(packed,)] = self._execute("SELECT packed FROM history_blocks WHERE number = ?", (number,))
        return unpack(packed)

    def next_block(self, after: int) -> tuple[int, list[Trace]] | None:
        """Return the first block behind this number, and its own number; None behind the last one."""
        sql = "SELECT number, packed FROM history_blocks WHERE number > ? ORDER BY number LIMIT 1"
        return next(((number, unpack(packed)) for number, packed in self._execute(sql, (after,))), None)

    def find(self, text: str) -> Trace | None:
        """Return what stays of the job with this id or key that was removed last."""
        numbers = {*self._of_ids([text]), *(number for (number,) in self._execute(_OF_KEY, (text,)))}
        return _last(each for number in numbers for each in self.block(number) if text in (each.id, each.key))

    def of_key(self, key: str) -> Trace | None:
        """Return what stays of the job with this key that was removed last."""
        numbers = self._execute(_OF_KEY, (key,))
        return _last(each for (number,) in numbers for each in self.block(number) if each.key == key)

    def known(self, ids: Collection[str]) -> dict[str, Trace]:
        """Return what stays of those of these jobs that were removed, by id."""
        wanted = set(ids)
        return {each.id: each for number in self._of_ids(wanted) for each in self.block(number) if each.id in wanted}

    def forget(self, cutoff: Moment, limit: int) -> int:
        """Forget at most so many jobs that were removed up to `cutoff`; return how many. Their keys are free."""
        left = limit
        while left > 0 and (found := self._execute(_OLD, (cutoff,))):
            traces = self.block(found[0][0])
            old = [place for place, each in enumerate(traces) if each.removed_at <= cutoff]
            gone = set(heapq.nsmallest(left, old, key=lambda place: traces[place].removed_at))
            if not gone:
                raise ValueError(f"block {found[0][0]} of the history does not hold what it should")
            self._keep(found[0][0], traces, [each for place, each in enumerate(traces) if place not in gone])
            left -= len(gone)
        return limit - left

    def drop(self, ids: Collection[str]) -> None:
        """Forget these jobs, which are there again."""
        wanted = set(ids)
        for number in self._of_ids(wanted):
            traces = self.block(number)
            rest = [each for each in traces if each.id not in wanted]
            if len(rest) < len(traces):
                self._keep(number, traces, rest)

    def ends(self) -> dict[int, list[int]]:
        """Return how many jobs completed, failed and were cancelled in each hour since 1970 in which any did."""
        found: dict[int, list[int]] = {}
        for _, summary in self._summaries():
            for hour, counts in summary.ends.items():
                found[hour] = [sum(pair) for pair in zip(counts, found.get(hour, [0, 0, 0]), strict=True)]
        return found

    def newest_completed(self, limit: int) -> dict[str, list[tuple[Moment, Moment | None]]]:
        """Return the ends and starts of the `limit` newest completed jobs of each kind, in no order."""
        found: dict[str, list[_End]] = {}
        blocks = [(number, summary.newest) for number, summary in self._summaries() if summary.newest]
        for number, newest in sorted(blocks, key=lambda block: -max(block[1].values())):
            heaps = {kind: found.setdefault(kind, []) for kind in newest}
            wanted = {kind for kind, heap in heaps.items() if len(heap) < limit or newest[kind] > heap[0][0]}
            for place, each in enumerate(self.block(number) if wanted else ()):
                if each.kind in wanted and each.status == Status.COMPLETED:
                    _push(heaps[each.kind], (each.completed_at, number * BLOCK + place, each.started_at), limit)
        return {kind: [(end, start) for end, _, start in heap] for kind, heap in found.items()}

    def failed(self, since: Moment) -> dict[tuple[str, str], FailedHere]:
        """Return the failures since then, by group and kind."""
        found: dict[tuple[str, str], FailedHere] = {}
        for number, summary in self._summaries():
            for each in self._failed_since(number, summary, since):
                known = found.get(each[:2])
                if known is None:
                    found[each[:2]] = FailedHere(failed=each, block=number)
                else:
                    known.add(each, number)
        return found

    def failed_groups(self) -> set[str]:
        """Return the names of all groups of failures."""
        return {each.group for _, summary in self._summaries() for each in summary.failed}

    def example(self, group: str, here: FailedHere) -> str:
        """Return the id of the last of some failures."""
        last = (group, here.failed.kind, here.failed.newest_at)
        return next(
            each.id
            for each in self.block(here.block)
            if each.status == Status.FAILED and (each.error_group or "", each.kind, each.completed_at) == last
        )

    def problems(self) -> Iterator[str]:
        """Say what is wrong with it, a few words each."""
        damaged = keys = 0
        for (number,) in self._execute("SELECT number FROM history_blocks", ()):
            try:
                traces = self.block(number)
                damaged += not self._is_right(number, traces)
                keys += len({each.key for each in traces} - {None})
            except UNREADABLE:
                damaged += 1
        if damaged:
            yield f"{damaged:,} blocks of history_blocks cannot be read"
        elif keys != self._execute("SELECT count(*) FROM history_keys", ())[0][0]:
            yield "the rows of history_keys do not fit the history"

    def _is_right(self, number: int, traces: Sequence[Trace]) -> bool:
        """Tell whether traces can be right, and what stands beside them is theirs."""
        sql = "SELECT count, first_made, last_made, first_removed, last_removed, summary FROM history_blocks"
        [(*told, packed)] = self._execute(f"{sql} WHERE number = ?", (number,))
        right = _bounds(traces)
        if packed is None:
            right = (len(traces), None, None, *right[3:])
        fits = packed is None or unpack_summary(packed) == summary_of(traces)
        return fits and tuple(told) == right and all(map(is_sound, traces))

    def _failed_since(self, number: int, summary: Summary, since: Moment) -> Sequence[Failed]:
        young = [each for each in summary.failed if each.newest_at >= since]
        if all(each.oldest_at >= since for each in young):
            return young
        return summary_of(each for each in self.block(number) if each.completed_at >= since).failed

    def _summaries(self) -> Iterator[tuple[int, Summary]]:
        for number, packed in self._execute("SELECT number, summary FROM history_blocks", ()):
            yield number, summary_of(self.block(number)) if packed is None else unpack_summary(packed)

    def _of_ids(self, ids: Collection[str]) -> list[int]:
        """Return the numbers of the blocks that may hold some of these ids."""
        moments = [moment for moment in map(moment_of, ids) if moment is not None]
        bounds = (min(moments, default=None), max(moments, default=None))
        return [number for (number,) in self._execute(_OF_IDS, bounds)] if ids else []

    def _keep(self, number: int, traces: Sequence[Trace], rest: Sequence[Trace]) -> None:
        """Leave only the rest of a block."""
        for key in {each.key for each in traces} - {each.key for each in rest} - {None}:
            self._execute("DELETE FROM history_keys WHERE key = ? AND block = ?", (key, number))
        if rest:
            self._put(number, rest)
        else:
            self._execute("DELETE FROM history_blocks WHERE number = ?", (number,))

    def _put(self, number: int, old: Sequence[Trace], new: Sequence[Trace] = ()) -> None:
        """Write a block of traces that stood in it and new ones, and where the keys of these are."""
        traces = [*old, *new]
        self._execute(_PUT, (number, *_bounds(traces), pack_summary(summary_of(traces)), pack(traces)))
        for each in new:
            if each.key is not None:
                self._execute("INSERT OR IGNORE INTO history_keys (key, block) VALUES (?, ?)", (each.key, number))


def _bounds(traces: Sequence[Trace]) -> tuple[int | None, ...]:
    """Return how many there are, and the bounds of the times in their ids and of their removal."""
    made = [moment_of(each.id) for each in traces]
    known = [moment for moment in made if moment is not None]
    are_known = len(known) == len(made)
    removed = [each.removed_at for each in traces]
    bounds = (min(known), max(known)) if are_known else (None, None)
    return len(traces), *bounds, min(removed), max(removed)


def _last(traces: Iterable[Trace]) -> Trace | None:
    return max(traces, key=lambda each: each.removed_at, default=None)


def _push(heap: list[_End], end: _End, limit: int) -> None:
    """Keep an end if it is among the `limit` newest."""
    if len(heap) < limit:
        heapq.heappush(heap, end)
    else:
        heapq.heappushpop(heap, end)
