"""A store as lines of the export format. Each job is read with all that belongs to it in one moment."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outlast.core.moments import Moment, to_iso
from outlast.storage.exchange.lines import END, FORMAT_VERSION, HEADER, HISTORY, JOB, OF_JOB, SCHEDULE, SPEC
from outlast.storage.sqlite import failures
from outlast.storage.sqlite.connection import Database, Row
from outlast.storage.sqlite.history import History
from outlast.storage.sqlite.traces import Trace

_JOBS_A_READ = 500
"""So few that no reading holds up the store for long, however slowly the lines are taken."""
_ROWS_A_READ = 5_000
_MOST_BELONGINGS = 20_000

_JOB_COLUMNS = {
    "args": "coalesce(j.args, (SELECT i.args FROM inputs i WHERE i.seq = j.seq))",
    "result": "coalesce(j.result, (SELECT r.result FROM results r WHERE r.seq = j.seq))",
    "traceback": "(SELECT r.traceback FROM results r WHERE r.seq = j.seq)",
    "cursor": "(SELECT c.cursor FROM checkpoints c WHERE c.seq = j.seq)",
    "partial": "(SELECT c.partial FROM checkpoints c WHERE c.seq = j.seq)",
}
_JOBS = f"SELECT j.seq, j.spec_id, {JOB.sql(_JOB_COLUMNS)} FROM jobs j WHERE j.seq > ? ORDER BY j.seq LIMIT ?"
_SPEC = """SELECT concat('{"type":"spec","spec":', id, ',', substr(json(body), 2)) FROM specs WHERE id = ?"""
_ORDER = {"steps": "n", "events": "n", "progress_history": "at", "questions": "n"}
_BELONGINGS = {
    line: f"SELECT seq, {line.sql({})} FROM {line.table} WHERE seq BETWEEN ? AND ? ORDER BY seq, {_ORDER[line.table]}"
    for line in OF_JOB
}
_SCHEDULES = f"SELECT name, spec_id, {SCHEDULE.sql({})} FROM schedules WHERE name > ? ORDER BY name LIMIT ?"
_TRACE = f"SELECT {HISTORY.sql({})} FROM (SELECT {', '.join(f'? AS {name}' for name in Trace._fields)})"


class Export:
    """Writes every job of a store, oldest first; counts what it has written."""

    def __init__(self, database: Database, *, program: str) -> None:
        self._database = database
        self._program = program
        self._specs: set[int] = set()
        self.counts = dict.fromkeys((SPEC, JOB.type, *(line.type for line in (*OF_JOB, SCHEDULE, HISTORY))), 0)

    def pieces(self, now: Moment) -> Iterator[bytes]:
        """Yield the lines, some at a time. Raise StoreDamaged for a row that cannot be read."""
        # A store that cannot be read must be told before anything is written.
        found = self._jobs(-(2**63))
        yield _line({"type": HEADER, "version": FORMAT_VERSION, "outlast": self._program, "exported_at": to_iso(now)})
        while found is not None:
            after, piece = found
            yield piece
            found = self._jobs(after)
        yield from self._schedules()
        yield from self._history()
        yield _line({"type": END, **self.counts})

    def _jobs(self, after: int) -> tuple[int, bytes] | None:
        """Return the next jobs with all that belongs to them, and the `seq` of the last one; None after the last."""
        with self._database.read():
            found = self._database.execute(_JOBS, (after, _JOBS_A_READ))
            if len(found) > 1 and self._weight(found) > _MOST_BELONGINGS:
                # Memory could not hold it all.
                found = found[:1]
            if not found:
                return None
            belongings = self._belongings(found[0][0], found[-1][0])
            lines: list[str] = []
            for seq, spec, line in found:
                lines += [*self._spec(spec), line, *belongings.get(seq, ())]
        self.counts[JOB.type] += len(found)
        return found[-1][0], _joined(lines)

    def _weight(self, found: Sequence[Row]) -> int:
        bounds = (found[0][0], found[-1][0])
        sql = "SELECT count(*) FROM {} WHERE seq BETWEEN ? AND ?"
        return sum(self._database.execute(sql.format(line.table), bounds)[0][0] for line in OF_JOB)

    def _belongings(self, first: int, last: int) -> dict[int, list[str]]:
        shown: dict[int, list[str]] = {}
        for line, sql in _BELONGINGS.items():
            found = self._database.execute(sql, (first, last))
            self.counts[line.type] += len(found)
            for seq, text in found:
                shown.setdefault(seq, []).append(text)
        return shown

    def _spec(self, number: int | None) -> list[str]:
        """Return the line of a spec unless it was written before."""
        if number is None or number in self._specs:
            return []
        self._specs.add(number)
        found = self._database.execute(_SPEC, (number,))
        if not found:
            raise failures.damaged(self._database.path, f"spec {number} is missing")
        self.counts[SPEC] += 1
        return [found[0][0]]

    def _schedules(self) -> Iterator[bytes]:
        after = ""
        while found := self._database.execute(_SCHEDULES, (after, _ROWS_A_READ)):
            after = found[-1][0]
            self.counts[SCHEDULE.type] += len(found)
            yield _joined([text for _, spec, row in found for text in (*self._spec(spec), row)])

    def _history(self) -> Iterator[bytes]:
        history, number = History(self._database.execute), 0
        while True:
            with self._database.read(), failures.readable(self._database.path):
                found = history.next_block(number)
                if found is None:
                    return
                number, traces = found
                lines = [self._database.execute(_TRACE, trace)[0][0] for trace in traces]
            self.counts[HISTORY.type] += len(lines)
            yield _joined(lines)


def _line(value: Mapping[str, Any]) -> bytes:
    return _joined([json.dumps(value, separators=(",", ":"))])


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
