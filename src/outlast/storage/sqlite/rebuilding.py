"""A fresh store out of what is left of a damaged one, of its backup, and of jobs.json: the best of each for a job."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from outlast.core.digests import sha256
from outlast.core.errorgroups import error_group
from outlast.core.errors import StoreBroken
from outlast.core.job import Home, Job, Spec
from outlast.core.moments import Moment
from outlast.core.policies import INTERRUPTED_WORDS, Policy
from outlast.core.schedules import CatchUp, Overlap
from outlast.core.status import ENDS, REASONS, Reason, Status
from outlast.storage.imports import imported_jobs
from outlast.storage.sqlite import failures, rows, schema, traces
from outlast.storage.sqlite.additions import JOB_COLUMNS, Additions, columns_of
from outlast.storage.sqlite.connection import Row
from outlast.storage.sqlite.history import BLOCK, History
from outlast.storage.sqlite.salvage import Columns, Wreck
from outlast.storage.sqlite.swaps import large_result
from outlast.storage.sqlite.traces import Trace, unpack

_OWN = frozenset({"jobs", "specs", "history_blocks", "history_keys", "migrations", "processes", "supervisors"})
"""Tables that are not simply copied: of the rest each row belongs to a job, or to none."""
_NO_ROW = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, OverflowError, TypeError)
"""What SQLite says of values that do not belong into a table."""
_TIMES = ("created_at", "started_at", "updated_at", "completed_at", "wake_at", "read_at", "hold_until")
_COUNTS = ("priority", "keep", "attempt", "tries", "crashes", "saved", "created_at", "updated_at")
_OBJECTS = ("labels", "progress", "waiting_info", "extra")
_TAKE_END = (
    "UPDATE jobs SET status = ?, reason = ?, error = ?, error_group = ?, completed_at = ?, updated_at = ?, attempt = ?,"
    " tries = ?, crashes = ?, result = NULL WHERE id = ? RETURNING seq"
)
_TAKE_RESULT = (
    "INSERT INTO results (seq, result, size, sha256) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (seq) DO UPDATE"
    " SET result = ?2, size = ?3, sha256 = ?4"
)
_INTERRUPT = (
    "UPDATE jobs SET status = ?, reason = ?, error = ?, error_group = ?, completed_at = ?, updated_at = ?,"
    " wake_at = NULL, waiting_info = NULL WHERE completed_at IS NULL RETURNING seq, attempt"
)
_NOTE = "INSERT INTO events (seq, at, event, actor, attempt) VALUES (?, ?, 'interrupted', 'repair', ?)"


@dataclass(slots=True, kw_only=True)
class Recovered:
    """What came into the new store: how many jobs of each source, and what is missing.

    `ended` counts jobs whose end only jobs.json had, `stubs` large results that it shows by their size alone.
    """

    jobs: dict[str, int] = field(default_factory=dict)
    interrupted: int = 0
    ended: int = 0
    stubs: int = 0
    lost: list[str] = field(default_factory=list)
    unreadable: dict[str, int] = field(default_factory=dict)


class Rebuilding:
    """Fills a fresh store at a path; errors name the one it is for. What comes first wins, later sources add to it."""

    def __init__(self, path: Path, now: Moment, *, named: Path) -> None:
        self.recovered = Recovered()
        self._path = path
        self._named = named
        self._now = now
        with failures.told(named):
            self._connection = apsw.Connection(str(path))
            schema.make(self._connection)
        self._execute("BEGIN IMMEDIATE")
        self._additions = Additions(self._execute, now)
        self._history = History(self._execute)
        self._removed: set[str] = set()
        self._known: set[str] = set()
        self._is_first = True
        self._copied_specs: dict[int, Spec] = {}

    def learn(self, wreck: Wreck) -> None:
        """Remember what a copy knows of specs, for jobs whose own spec cannot be read where they stand."""
        self._copied_specs = self._specs(wreck)

    def take_store(self, wreck: Wreck, name: str) -> None:
        """Take what can be read of a store, and note under `name` how many jobs it gave."""
        if self._is_first:
            self._take_birth(wreck)
            self._known = wreck.ids()
        self._take_history(wreck)
        specs = self._specs(wreck)
        places = self._take_jobs(wreck, specs, name)
        for table in self._tables():
            if table not in _OWN:
                self._take_table(wreck, table, places, specs)
        for table, count in wreck.unreadable.items() if self._is_first else ():
            self.recovered.unreadable[table] = self.recovered.unreadable.get(table, 0) + count
        self._is_first = False

    def take_view(self, objects: Mapping[str, Any], name: str) -> None:
        """Take the jobs that only jobs.json has, and the ends that it alone knows of."""
        shown = {job_id: value for job_id, value in objects.items() if isinstance(value, dict)}
        for job in imported_jobs(shown, self._now):
            # A job that was not ended there has failed by this reading; that says nothing about one that is known.
            status = shown.get(job.id, {}).get("status")
            has_ended = isinstance(status, str) and status in ENDS
            if self._is_removed(job.id):
                continue
            columns = {**columns_of(job), "spec_id": self._additions.spec(job.spec)}
            if self._additions.add(columns) is not None:
                self._count(name)
                self.recovered.interrupted += not has_ended
            elif has_ended:
                self._take_end(job)

    def finish(self) -> Recovered:
        """Let what has not ended have failed: interrupted; flush the file and close it. Raise StoreBroken, OSError."""
        values = (Status.FAILED, Reason.INTERRUPTED, INTERRUPTED_WORDS, error_group(INTERRUPTED_WORDS))
        for seq, attempt in self._execute(_INTERRUPT, (*values, self._now, self._now)):
            self._execute(_NOTE, (seq, self._now, attempt))
            self.recovered.interrupted += 1
        self.recovered.lost = sorted(job_id for job_id in self._known if not self._is_there(job_id))
        self._execute("COMMIT")
        problems = [str(row[0]) for row in self._execute("PRAGMA integrity_check(1)")]
        if problems != ["ok"]:
            raise StoreBroken(f"The new store is not sound: {problems[0]}.", "Nothing was replaced; please report it.")
        self.close()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return self.recovered

    def close(self) -> None:
        """Close the file as it is."""
        self._connection.close(True)

    def _execute(self, sql: str, parameters: Any = ()) -> list[Row]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except _NO_ROW:
            raise
        except apsw.Error as error:
            raise failures.translate(error, self._named, self._connection.system_errno) from error

    def _tables(self) -> list[str]:
        found = self._execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return [name for (name,) in found]

    def _wanted(self, table: str) -> list[str]:
        return [name for (name,) in self._execute("SELECT name FROM pragma_table_info(?)", (table,))]

    def _take_birth(self, wreck: Wreck) -> None:
        """It is the same store, so copies of it are copies of this one."""
        for row in wreck.rows("migrations", self._wanted("migrations")):
            self._try("UPDATE migrations SET applied_at = ? WHERE number = ?", (row["applied_at"], row["number"]))

    def _take_history(self, wreck: Wreck) -> None:
        new: list[Trace] = []
        for trace in _traces(wreck):
            if not self._is_there(trace.id):
                self._removed.add(trace.id)
                new.append(trace)
            if len(new) == BLOCK:
                self._history.add(new)
                new.clear()
        self._history.add(new)

    def _specs(self, wreck: Wreck) -> dict[int, Spec]:
        found: dict[int, Spec] = {}
        for row in wreck.rows("specs", self._wanted("specs")):
            try:
                if sha256(row["body"].encode()) == row["digest"]:
                    found[row["id"]] = rows.spec_from_json(row["body"])
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
        return found

    def _copied_spec(self, number: int, kind: str) -> Spec:
        """Return the spec that a copy has under a number, if it can be that of the job; else an unknown one."""
        found = self._copied_specs.get(number)
        return found if found is not None and found.kind == kind else _unknown_spec(kind)

    def _take_jobs(self, wreck: Wreck, specs: Mapping[int, Spec], name: str) -> dict[int, int]:
        """Add the jobs that are not there yet; return the places here of all that are there, by their places there."""
        places: dict[int, int] = {}
        for row in wreck.rows("jobs", self._wanted("jobs")):
            if not is_sound(row):
                wreck.note("jobs")
                continue
            if not self._is_first and self._is_removed(row["id"]):
                continue
            spec = specs.get(row["spec_id"]) or self._copied_spec(row["spec_id"], row["kind"])
            complete = {**dict.fromkeys(JOB_COLUMNS), **row, "spec_id": self._additions.spec(spec)}
            try:
                added = self._additions.add(complete, seq=row["seq"])
            except _NO_ROW:
                # A number where a text should be, for example.
                wreck.note("jobs")
                continue
            if added is not None:
                self._count(name)
            places[row["seq"]] = self._place_of(row["id"])
        return places

    def _take_table(self, wreck: Wreck, table: str, places: Mapping[int, int], specs: Mapping[int, Spec]) -> None:
        for row in wreck.rows(table, self._wanted(table)):
            if "seq" in row:
                if row["seq"] not in places:
                    continue
                row["seq"] = places[row["seq"]]
            if "spec_id" in row:
                if row["spec_id"] not in specs:
                    continue
                row["spec_id"] = self._additions.spec(specs[row["spec_id"]])
            if table == "events" and self._is_other_event(row):
                row.pop("n")
            if not _is_right(table, row) or not self._insert(table, row):
                wreck.note(table)

    def _is_other_event(self, row: Columns) -> bool:
        """Tell whether an event's number is another event's here."""
        found = self._execute("SELECT seq, at, event FROM events WHERE n = ?", (row["n"],))
        return bool(found) and found[0] != (row["seq"], row["at"], row["event"])

    def _insert(self, table: str, row: Columns) -> bool:
        """Add a row unless one with its key is there; False if it is no row of that table."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        return self._try(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))

    def _try(self, sql: str, parameters: Any) -> bool:
        try:
            self._execute(sql, parameters)
        except _NO_ROW:
            return False
        return True

    def _take_end(self, job: Job) -> None:
        if self._execute("SELECT 1 FROM jobs WHERE id = ? AND completed_at IS NOT NULL", (job.id,)):
            return
        group = error_group(job.error or "") if job.status is Status.FAILED else None
        values = (job.status, job.reason, job.error, group, job.completed_at, job.updated_at)
        [(seq,)] = self._execute(_TAKE_END, (*values, job.attempt, job.tries, job.crashes, job.id))
        if job.result is not None:
            self._execute(_TAKE_RESULT, (seq, *large_result(job.result)))
            self.recovered.stubs += _is_stub(job.result)
        self.recovered.ended += 1

    def _is_there(self, job_id: str) -> bool:
        return bool(self._execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,))) or self._is_removed(job_id)

    def _is_removed(self, job_id: str) -> bool:
        return job_id in self._removed

    def _place_of(self, job_id: str) -> int:
        return int(self._execute("SELECT seq FROM jobs WHERE id = ?", (job_id,))[0][0])

    def _count(self, name: str) -> None:
        self.recovered.jobs[name] = self.recovered.jobs.get(name, 0) + 1


def _traces(wreck: Wreck) -> Iterator[Trace]:
    """Yield what can be read of a history; of an older store, whose rows are traces, too."""
    table = "history" if wreck.has("history") else "history_blocks"
    for row in wreck.rows(table, Trace._fields if table == "history" else ("packed",)):
        try:
            found = [Trace(**row)] if table == "history" else unpack(row["packed"])
        except failures.UNREADABLE:
            found = []
        sound = [trace for trace in found if traces.is_sound(trace)]
        if not found or len(sound) < len(found):
            wreck.note(table)
        yield from sound


def is_sound(row: Columns) -> bool:
    """Tell whether a row of `jobs` can be right."""
    try:
        status = Status(row["status"])
        reason = row["reason"]
        return (
            isinstance(row["id"], str)
            and isinstance(row["seq"], int)
            and (reason is None or reason in REASONS[status])
            and status.is_end == (row["completed_at"] is not None)
            and all(isinstance(row[name], int) for name in _COUNTS)
            and all(rows.EARLIEST <= at <= rows.LATEST for at in map(row.get, _TIMES) if at is not None)
            and all(row[name] is None or isinstance(json.loads(row[name]), dict) for name in _OBJECTS)
            and all(rows.json_text(row[name]) or True for name in ("args", "result"))
        )
    except (ValueError, KeyError, TypeError):
        return False


def _is_right(table: str, row: Columns) -> bool:
    """Tell whether those columns of a row that hold JSON really do, and a schedule's words are known."""
    try:
        for name in JSON_COLUMNS.get(table, ()):
            rows.json_text(row.get(name))
        if table == "schedules":
            CatchUp(row["catch_up"])
            Overlap(row["overlap"])
    except (ValueError, KeyError):
        return False
    return True


JSON_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "inputs": ("args",),
    "checkpoints": ("cursor", "partial"),
    "results": ("result",),
    "steps": ("result",),
    "events": ("detail",),
    "schedules": ("args", "labels"),
}


def _unknown_spec(kind: str) -> Spec:
    """Return the spec of a job whose own is lost: it is kept, and cannot be run again."""
    return Spec(kind=kind, target="", policy=Policy(), home=Home(interpreter="", path=(), cwd=""))


def _is_stub(result: str) -> bool:
    value = json.loads(result)
    return isinstance(value, dict) and value.keys() == {"bytes", "sha256", "read_with"}


def lines_of_view(raw: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the jobs of a damaged jobs.json that stand whole on a line of their own, as we write them."""
    for line in raw.split(b"\n"):
        try:
            [pair] = json.loads(b"{" + line.strip().rstrip(b",") + b"}").items()
        except (ValueError, RecursionError):
            continue
        yield pair
