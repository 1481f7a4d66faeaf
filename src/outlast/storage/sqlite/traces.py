"""What stays of removed jobs, and how some hundred of them are packed: about ten bytes for a job without a key.

A packed block is JSON, compressed by zlib: lists with a value for each job, times as differences, the random digits of
the ids as they are, and what jobs have in common once for all that are alike. JSON that is not compressed holds whole
rows, as a migration can make them.
"""

import binascii
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from outlast.core.ids import make_id, split_id
from outlast.core.moments import Moment
from outlast.core.status import ENDS, Status
from outlast.storage.sqlite.rows import EARLIEST, LATEST

HOUR_MS = 3_600_000
_MOST_BYTES = 256 * 1024 * 1024
_MOST_TRACES = 65_536
"""Neither is near to a block that we make; a damaged one must not fill the memory."""
_COUNTED: Mapping[str, int] = {Status.COMPLETED: 0, Status.FAILED: 1, Status.CANCELLED: 2}

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


# A tuple, because a million of them are made when a long history is read.
class Trace(NamedTuple):
    """What stays of one removed job. `fingerprint` is of kind, target and arguments, for jobs with a key."""

    id: str
    key: str | None
    kind: str
    account: str | None
    status: str
    reason: str | None
    error_group: str | None
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment
    removed_at: Moment
    actor: str
    fingerprint: bytes | None

    @property
    def sort(self) -> tuple[str | None, ...]:
        """What this job has in common with many."""
        return self.kind, self.account, self.status, self.reason, self.error_group, self.actor


class Failed(NamedTuple):
    """Failures of one group and kind: how many, the first and the last."""

    group: str
    kind: str
    number: int
    oldest_at: Moment
    newest_at: Moment

    def with_more(self, other: "Failed") -> "Failed":
        """Return both together."""
        oldest, newest = min(self.oldest_at, other.oldest_at), max(self.newest_at, other.newest_at)
        return Failed(self.group, self.kind, self.number + other.number, oldest, newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What figures need of a block: ends by hour since 1970 (completed, failed, cancelled), the newest completed end of
    each kind, and failures."""

    ends: Mapping[int, Sequence[int]]
    newest: Mapping[str, Moment]
    failed: Sequence[Failed]


def pack(traces: Sequence[Trace]) -> bytes:
    """Return traces as one block."""
    sorts: dict[tuple[str | None, ...], int] = {}
    of_sort = [sorts.setdefault(each.sort, len(sorts)) for each in traces]
    ids, digits = _ids(traces)
    marks = [None if each.fingerprint is None else _base64(each.fingerprint) for each in traces]
    block = {
        "count": len(traces),
        "sorts": list(sorts),
        "sort": _short(of_sort),
        "id": _short(ids),
        "created": _short(_steps(each.created_at for each in traces)),
        "started": _short(_steps(each.started_at for each in traces)),
        "took": _short([each.completed_at - _begun(each.created_at, each.started_at) for each in traces]),
        "removed": _short(_steps(each.removed_at for each in traces)),
        "key": _short([each.key for each in traces]),
        "fingerprint": _short(marks),
        "digits": _base64(digits),
    }
    return zlib.compress(_encode(block).encode())


def unpack(block: bytes) -> list[Trace]:
    """Return the traces of a block. Raise ValueError, KeyError or TypeError for a damaged one."""
    shown = _decoded(block)
    if "rows" in shown:
        return [Trace(*row)._replace(fingerprint=_unhex(row[-1])) for row in shown["rows"]]
    count = shown["count"]
    sorts = [shown["sorts"][number] for number in _long(shown["sort"], count)]
    kind, account, status, reason, group, actor = zip(*sorts, strict=True)
    created, started = _sums(_long(shown["created"], count)), _sums(_long(shown["started"], count))
    took = zip(_long(shown["took"], count), created, started, strict=True)
    completed = [length + _begun(first, second) for length, first, second in took]
    removed, key = _sums(_long(shown["removed"], count)), _long(shown["key"], count)
    marks = [None if text is None else binascii.a2b_base64(text) for text in _long(shown["fingerprint"], count)]
    ids = list(_whole_ids(_long(shown["id"], count), kind, created, binascii.a2b_base64(shown["digits"])))
    what = (ids, key, kind, account, status, reason, group)
    return list(map(Trace._make, zip(*what, created, started, completed, removed, actor, marks, strict=True)))


def is_sound(trace: Trace) -> bool:
    """Tell whether a trace can be right."""
    texts = (trace.id, trace.kind, trace.status, trace.actor)
    times = (trace.created_at, trace.completed_at, trace.removed_at)
    return (
        all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in (trace.key, trace.account, *trace.sort))
        and all(isinstance(at, int) and EARLIEST <= at <= LATEST for at in times)
        and (trace.started_at is None or (isinstance(trace.started_at, int) and EARLIEST <= trace.started_at <= LATEST))
        and (trace.fingerprint is None or isinstance(trace.fingerprint, bytes))
        and trace.status in ENDS
    )


def summary_of(traces: Iterable[Trace]) -> Summary:
    """Return what figures need of traces."""
    ends: dict[int, list[int]] = {}
    newest: dict[str, Moment] = {}
    failed: dict[tuple[str, str], Failed] = {}
    for each in traces:
        end = each.completed_at
        ends.setdefault(end // HOUR_MS, [0] * len(_COUNTED))[_COUNTED[each.status]] += 1
        if each.status == Status.COMPLETED:
            newest[each.kind] = max(end, newest.get(each.kind, end))
        elif each.status == Status.FAILED:
            one = Failed(each.error_group or "", each.kind, 1, end, end)
            known = failed.get(one[:2])
            failed[one[:2]] = one if known is None else known.with_more(one)
    return Summary(ends=ends, newest=newest, failed=list(failed.values()))


def pack_summary(summary: Summary) -> bytes:
    """Return the bytes of a summary."""
    ends = [[hour, *counts] for hour, counts in summary.ends.items()]
    return zlib.compress(_encode([ends, summary.newest, summary.failed]).encode())


# The bytes are all there is to it, so it is never out of date; a dashboard asks for the same ones again and again.
@lru_cache(2048)
def unpack_summary(packed: bytes) -> Summary:
    """Return the summary of its bytes. Raise ValueError or TypeError for damaged ones."""
    ends, newest, failed = _decoded(packed)
    return Summary(
        ends={hour: counts for hour, *counts in ends}, newest=newest, failed=[Failed(*each) for each in failed]
    )


def moment_of(job_id: str) -> Moment | None:
    """Return the time in an id, None if it is of another form."""
    parts = split_id(job_id)
    return None if parts is None else parts[1]


def _ids(traces: Sequence[Trace]) -> tuple[list[int | str], bytes]:
    """Return the ids without what is known from elsewhere, and the random digits of those that are like ours."""
    ids: list[int | str] = []
    digits: list[bytes] = []
    for each in traces:
        parts = split_id(each.id)
        if parts is not None and make_id(each.kind, parts[1], bytes.fromhex(parts[2])) == each.id:
            ids.append(parts[1] - each.created_at)
            digits.append(bytes.fromhex(parts[2]))
        else:
            ids.append(each.id)
    return ids, b"".join(digits)


def _whole_ids(ids: Sequence[int | str], kinds: Sequence[str], created: Sequence[int], digits: bytes) -> Iterator[str]:
    text, at = digits.hex(), 0
    for short, kind, made in zip(ids, kinds, created, strict=True):
        if isinstance(short, str):
            yield short
        else:
            yield f"{kind}_{made + short}_{text[at : at + 16]}"
            at += 16
    if at != len(text):
        raise ValueError("there are not as many digits as ids")


def _begun(created_at: Moment, started_at: Moment | None) -> Moment:
    return created_at if started_at is None else started_at


def _steps(moments: Iterable[Moment | None]) -> list[int | None]:
    """Return the difference of each time to the one before it."""
    steps: list[int | None] = []
    last = 0
    for moment in moments:
        steps.append(None if moment is None else moment - last)
        last = last if moment is None else moment
    return steps


def _sums(steps: Sequence[Any]) -> list[Any]:
    """Return the times that have these differences."""
    sums = list(accumulate(0 if step is None else step for step in steps))
    return [None if step is None else at for step, at in zip(steps, sums, strict=True)] if None in steps else sums


def _short(column: list[Any]) -> Any:
    """Return one value for a column in which all are the same; none of them is a list."""
    return column[0] if column and all(value == column[0] for value in column) else column


def _long(column: Any, count: int) -> list[Any]:
    found = column if isinstance(column, list) else [column] * min(count, _MOST_TRACES + 1)
    if len(found) != count or not 0 < count <= _MOST_TRACES:
        raise ValueError(f"{len(found)} values stand for {count} jobs")
    return found


def _decoded(packed: bytes) -> Any:
    try:
        return json.loads(packed if packed[:1] == b"{" else _inflated(packed))
    except (zlib.error, RecursionError) as error:
        raise ValueError(str(error)) from None


def _inflated(packed: bytes) -> bytes:
    reader = zlib.decompressobj()
    text = reader.decompress(packed, _MOST_BYTES)
    if not reader.eof:
        raise ValueError("a block does not end where it should")
    return text


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _base64(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode()
