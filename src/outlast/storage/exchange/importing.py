"""Files whose jobs are taken in: an export, or a jobs.json. Checked to the end before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from outlast.core.codec import decode
from outlast.core.errors import UsageError
from outlast.core.job import Event
from outlast.core.moments import Moment
from outlast.core.policies import INTERRUPTED_WORDS
from outlast.core.status import ENDS, Reason, Status
from outlast.storage.exchange.lines import HISTORY, JOB, SCHEDULE, STEP, Line
from outlast.storage.exchange.reading import Entry, Reading, is_export
from outlast.storage.imports import imported_jobs
from outlast.storage.sqlite import failures
from outlast.storage.sqlite.additions import Additions, columns_of
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.events import add_event
from outlast.storage.sqlite.history import History
from outlast.storage.sqlite.rows import cap_error
from outlast.storage.sqlite.traces import Trace

LARGEST_VIEW = 256 * 1024 * 1024
"""A jobs.json is read as a whole, which takes several times its size."""
_ROWS_A_COMMIT = 5_000
"""So long a running system waits for a large import."""
_ACTOR = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How jobs are taken in. `resume`: unfinished ones go on here, else they have failed: interrupted.

    `keep`: retention leaves them alone.
    """

    resume: bool = False
    keep: bool = False


@dataclass(slots=True)
class Imported:
    """What came of an import, in jobs; `keys_taken` counts those whose key another job has."""

    added: int = 0
    known: int = 0
    unfinished: int = 0
    history: int = 0
    keys_taken: int = 0
    schedules: int = 0
    oldest_end: Moment | None = None


def import_file(database: Database, file: BinaryIO, name: str, wishes: Wishes, now: Moment) -> Imported:
    """Add the jobs of a file that can be read twice; those whose id is known are left as they are.

    Raise UsageError, with nothing done, for a file that is wrong anywhere.
    """
    if not is_export(file):
        return import_objects(database, _read_view(file, name), wishes, now)
    for _ in Reading(file, name).entries():
        pass
    taker = _Taker(database, Reading(file, name), wishes, now)
    taker.take_all()
    return taker.imported


@dataclass(slots=True)
class _Taker:
    """Writes the entries of a checked export, so many in one commit; a job and all of its lines share one."""

    database: Database
    reading: Reading
    wishes: Wishes
    now: Moment
    imported: Imported = field(default_factory=Imported)
    _seq: int | None = None
    _steps: int = 0
    _told: tuple[Event, int] | None = None
    _specs: dict[int, int] = field(default_factory=dict)
    _added: list[str] = field(default_factory=list)
    _removed: dict[str, Trace] = field(default_factory=dict)

    def take_all(self) -> None:
        entries = self.reading.entries()
        additions = Additions(self.database.execute, self.now)
        entry = next(entries, None)
        while entry is not None:
            rows = 0
            with self.database.write("import_jobs"):
                while entry is not None and (rows < _ROWS_A_COMMIT or entry.line.of_job):
                    self._take(additions, entry)
                    rows += 1
                    entry = next(entries, None)
                self._close_job()
                self._close_history()
        self.imported.keys_taken = additions.keys_taken

    def _take(self, additions: Additions, entry: Entry) -> None:
        if not entry.line.of_job:
            self._close_job()
        if entry.line is JOB:
            self._add_job(additions, entry.columns)
        elif entry.line.of_job:
            self._add_belonging(entry.line, entry.columns)
        elif entry.line is HISTORY:
            self._removed.setdefault(entry.columns["id"], Trace(**entry.columns))
        elif entry.line is SCHEDULE:
            # It may still run where it came from; and its rule is looked at only when somebody lets it go on.
            columns = {**entry.columns, "spec_id": self._spec(additions, entry.columns), "paused": 1}
            self.imported.schedules += self._insert(SCHEDULE, columns)

    def _add_job(self, additions: Additions, columns: Mapping[str, Any]) -> None:
        job, event = _as_wished(columns, self.wishes, self.now)
        self._steps = 0
        self._seq = additions.add({**job, "spec_id": self._spec(additions, columns)})
        if self._seq is None:
            self.imported.known += 1
            return
        self._added.append(job["id"])
        _count(self.imported, columns, job)
        if event is not None:
            self._told = event, job["attempt"]

    def _close_job(self) -> None:
        """Tell in the job's history, after all that it brought, what became of it here."""
        if self._told is not None and self._seq is not None:
            event, attempt = self._told
            add_event(self.database, self._seq, event, attempt=attempt, now=self.now)
        self._seq = self._told = None

    def _close_history(self) -> None:
        """Add what stayed of jobs that were removed elsewhere, and forget what stayed here of those that came back."""
        history = History(self.database.execute)
        with failures.readable(self.database.path):
            history.drop(self._added)
            known = history.known(self._removed) if self._removed else {}
            new = [trace for job_id, trace in self._removed.items() if job_id not in known]
            history.add(new)
        self.imported.history += len(new)
        self._added.clear()
        self._removed.clear()

    def _spec(self, additions: Additions, columns: Mapping[str, Any]) -> int:
        number = columns["spec_id"]
        if number not in self._specs:
            self._specs[number] = additions.spec(self.reading.specs[number])
        return self._specs[number]

    def _add_belonging(self, line: Line, columns: Mapping[str, Any]) -> None:
        if self._seq is None:
            return
        more: dict[str, Any] = {"seq": self._seq}
        if line is STEP:
            self._steps += 1
            more["n"] = self._steps
        self._insert(line, {**columns, **more})

    def _insert(self, line: Line, columns: Mapping[str, Any]) -> int:
        names, places = ", ".join(columns), ", ".join("?" * len(columns))
        return self.database.change(
            f"INSERT OR IGNORE INTO {line.table} ({names}) VALUES ({places})", tuple(columns.values())
        )


def _as_wished(columns: Mapping[str, Any], wishes: Wishes, now: Moment) -> tuple[dict[str, Any], Event | None]:
    """Return the job as it is added, and the event that tells what became of an unfinished one."""
    # Nobody has read its end here.
    job = {**columns, "read_at": None, "error": cap_error(columns["error"])}
    if wishes.keep:
        job["keep"] = 1
    if job["status"] in ENDS:
        return job, None
    if not wishes.resume:
        return interrupted(job, now), Event(event="interrupted", actor=_ACTOR)
    if job["status"] == Status.RUNNING or job["reason"] == Reason.CONDITION:
        # What it waited for is looked at anew.
        job |= {"status": Status.QUEUED, "reason": None, "wake_at": None, "waiting_info": None}
    return job, Event(event="resumed", actor=_ACTOR)


def interrupted(job: Mapping[str, Any], now: Moment) -> dict[str, Any]:
    """Return the columns of an unfinished job as those of one that has failed: nobody runs it any more."""
    return {
        **job,
        "status": Status.FAILED,
        "reason": Reason.INTERRUPTED,
        "error": INTERRUPTED_WORDS,
        "completed_at": now,
        "updated_at": now,
        "wake_at": None,
        "waiting_info": None,
    }


def _count(imported: Imported, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    imported.added += 1
    if before["status"] not in ENDS:
        imported.unfinished += 1
    end = after["completed_at"]
    if end is not None and not after["keep"]:
        imported.oldest_end = min(end, end if imported.oldest_end is None else imported.oldest_end)


def import_objects(database: Database, objects: Mapping[str, Any], wishes: Wishes, now: Moment) -> Imported:
    """Add the jobs of a decoded jobs.json; those whose id is known are left as they are."""
    jobs = imported_jobs(objects, now)
    imported = Imported()
    additions = Additions(database.execute, now)
    unended = {job_id for job_id, shown in objects.items() if not isinstance(shown, dict) or _is_unended(shown)}
    for few in (jobs[start : start + _ROWS_A_COMMIT] for start in range(0, len(jobs), _ROWS_A_COMMIT)):
        added = []
        with database.write("import_jobs"), failures.readable(database.path):
            for job in few:
                columns = {**columns_of(job), "keep": int(wishes.keep), "spec_id": additions.spec(job.spec)}
                if additions.add(columns) is None:
                    imported.known += 1
                else:
                    added.append(job.id)
                    _count(imported, {"status": "running" if job.id in unended else job.status}, columns)
            History(database.execute).drop(added)
    imported.keys_taken = additions.keys_taken
    return imported


def _is_unended(shown: Mapping[str, Any]) -> bool:
    status = shown.get("status")
    return not isinstance(status, str) or status not in ENDS


def _read_view(file: BinaryIO, name: str) -> dict[str, Any]:
    file.seek(0)
    raw = file.read(LARGEST_VIEW + 1)
    fix = "Name what `outlast export` wrote, or a jobs.json. Nothing was imported."
    if len(raw) > LARGEST_VIEW:
        raise UsageError(f"{name} is no export, and too large for a jobs.json.", fix)
    try:
        objects = decode(raw.decode("utf-8-sig"), name)
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8.", fix) from None
    except UsageError as error:
        raise UsageError(error.message, fix) from None
    if not isinstance(objects, dict):
        raise UsageError(f"{name} is neither an export nor a jobs.json: it is no JSON object.", fix)
    for job_id, shown in objects.items():
        if not isinstance(shown, dict) or not isinstance(shown.get("status"), str):
            raise UsageError(f"{name} is no jobs.json: {job_id!r:.60} is no job with a status.", fix)
    return objects
