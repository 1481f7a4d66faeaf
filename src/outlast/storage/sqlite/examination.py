"""What a store is like inside: whether its pages and rows are sound, and what its jobs are waiting for."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from outlast.core.errors import OutlastError
from outlast.core.job import ProcessIdentity, Spec
from outlast.core.moments import Moment
from outlast.core.schedules import CatchUp, Overlap
from outlast.core.status import ENDS, REASONS, Status
from outlast.storage.sqlite import failures, rows
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.history import History
from outlast.storage.sqlite.rows import EARLIEST, LATEST

MOST_PROBLEMS = 20
_VERSION_OF_SCHEDULES = 4
_VERSION_OF_BLOCKS = 6
_WITH_A_JOB = ("inputs", "checkpoints", "results", "steps", "events", "progress_history", "questions")
_TIMES = ("created_at", "started_at", "updated_at", "completed_at", "wake_at", "read_at", "hold_until")
_JSON_OF_JOBS = ("args", "result", "labels", "progress", "waiting_info", "extra")
_TEXTS_OF_JOBS = ("id", "kind", "queue", "key", "account", "actor", "error", "process_id", *_JSON_OF_JOBS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that is running as the store has it."""

    job_id: str
    process_id: str | None
    updated_at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A sound store: its size, and what there is to do in it. `due_since` is when the oldest queued job became due.

    `asleep` counts jobs that wait for nothing that could ever wake them.
    """

    version: int
    size: int
    counts: Mapping[Status, int]
    newest_change: Moment | None
    running: tuple[Running, ...]
    due_since: Moment | None
    asleep: int
    processes: tuple[ProcessIdentity, ...]
    supervisor: ProcessIdentity | None
    waiting_specs: tuple[tuple[Spec, int], ...]


def problems_of(database: Database) -> list[str]:
    """Return what is wrong with the pages and rows of a store, a few words each; nothing if it is sound.

    Raise OutlastError if it cannot even be asked.
    """
    with database.read():
        found = [str(row[0]) for row in database.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
        if found != ["ok"]:
            lines = [line for text in found for line in text.splitlines()]
            return [line for line in lines if not line.startswith("***")]
        return list(_wrong_rows(database))


def _wrong_rows(database: Database) -> Iterator[str]:
    columns = {name for (name,) in database.execute("SELECT name FROM pragma_table_info('jobs')")}
    conditions_of = _conditions([name for name in _TIMES if name in columns])  # an older store has fewer
    if _version(database) >= _VERSION_OF_SCHEDULES:
        conditions_of["schedules"] = _conditions_of_schedules()
    for table, conditions in conditions_of.items():
        tests = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions.values())
        [counts] = database.execute(f"SELECT {tests} FROM {table}")
        for words, count in zip(conditions, counts, strict=True):
            if count:
                yield f"{count:,} rows of {table} {words}"
    if _version(database) >= _VERSION_OF_BLOCKS:
        yield from History(database.execute).problems()
    for number, body in database.execute("SELECT id, body FROM specs"):
        try:
            rows.spec_from_json(body)
        except (ValueError, KeyError, TypeError, AttributeError):
            yield f"spec {number} cannot be read"


def _conditions(times: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return, by table, SQL that is true for a row that cannot be right, and words for it."""
    of_status = " OR ".join(
        f"(status = '{status}' AND reason {_among(reasons)})" for status, reasons in REASONS.items() if reasons
    )
    jobs = {
        "have an unknown status": f"NOT status {_among(Status)}",
        "have a reason of another status": f"reason IS NOT NULL AND NOT ({of_status})",
        "have ended without a time, or have one and no end": f"(status {_among(ENDS)}) <> (completed_at IS NOT NULL)",
        "have no spec": "spec_id NOT IN (SELECT id FROM specs)",
        "have a time that is none": " OR ".join(f"{name} NOT BETWEEN {EARLIEST} AND {LATEST}" for name in times),
        "hold what is not JSON": _not_json(*_JSON_OF_JOBS),
        "hold what is not text": _not_text(*_TEXTS_OF_JOBS),
    }
    orphans = {"belong to no job": "seq NOT IN (SELECT seq FROM jobs)"}
    json_of = {
        "inputs": ("args",),
        "checkpoints": ("cursor", "partial"),
        "results": ("result",),
        "steps": ("result",),
        "events": ("detail",),
    }
    others = {
        table: {**orphans, **({"hold what is not JSON": _not_json(*json_of[table])} if table in json_of else {})}
        for table in _WITH_A_JOB
    }
    return {"jobs": jobs, **others}


def _conditions_of_schedules() -> dict[str, str]:
    return {
        "have an unknown word": f"NOT catch_up {_among(CatchUp)} OR NOT overlap {_among(Overlap)}",
        "have no spec": "spec_id NOT IN (SELECT id FROM specs)",
        "hold what is not JSON": _not_json("args", "labels"),
    }


def _among(words: Iterable[str]) -> str:
    return f"IN ({', '.join(repr(str(word)) for word in sorted(words))})"


def _not_json(*columns: str) -> str:
    return " OR ".join(f"NOT json_valid({column})" for column in columns)


def _not_text(*columns: str) -> str:
    return f"NOT is_text(CAST(concat({', '.join(columns)}) AS BLOB))"


def facts_of(database: Database) -> Facts:
    """Return what there is in a sound store."""
    with database.read(), failures.readable(database.path):
        version = _version(database)
        counts = {
            Status(word): count for word, count in database.execute("SELECT status, count(*) FROM jobs GROUP BY 1")
        }
        supervisors = rows.identities(database.execute(f"SELECT {rows.IDENTITY} FROM supervisors"))
        return Facts(
            version=version,
            size=database.size(),
            counts=counts,
            newest_change=database.execute("SELECT max(updated_at) FROM jobs")[0][0],
            running=tuple(_running(database)),
            due_since=database.execute(_DUE_SINCE)[0][0],
            asleep=database.execute(_ASLEEP + (" AND gauge IS NULL" if version > 1 else ""))[0][0],
            processes=tuple(rows.identities(database.execute(f"SELECT {rows.IDENTITY} FROM processes"))),
            supervisor=supervisors[0] if supervisors else None,
            waiting_specs=tuple(_waiting_specs(database)),
        )


_DUE_SINCE = "SELECT min(coalesce(wake_at, created_at)) FROM jobs WHERE status = 'queued' AND completed_at IS NULL"
_ASLEEP = (
    "SELECT count(*) FROM jobs WHERE status = 'waiting' AND completed_at IS NULL AND wake_at IS NULL"
    " AND reason IN ('time', 'retry', 'condition')"
)
_RUNNING = "SELECT id, process_id, updated_at FROM jobs WHERE status = 'running' AND completed_at IS NULL ORDER BY seq"
_WAITING_SPECS = (
    "SELECT s.body, w.number FROM specs s JOIN (SELECT spec_id, count(*) AS number FROM jobs"
    " WHERE completed_at IS NULL GROUP BY spec_id) w ON w.spec_id = s.id"
)


def _running(database: Database) -> Iterator[Running]:
    for job_id, process_id, updated_at in database.execute(_RUNNING):
        yield Running(job_id=job_id, process_id=process_id, updated_at=updated_at)


def _waiting_specs(database: Database) -> Iterator[tuple[Spec, int]]:
    for body, number in database.execute(_WAITING_SPECS):
        yield rows.spec_from_json(body), number


def _version(database: Database) -> int:
    return int(database.execute("PRAGMA user_version")[0][0])


def statuses_of(database: Database, ids: Iterable[str], *, newest: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the statuses of the newest jobs, and of these `ids` (of removed ones as they ended), by id."""
    with database.read():
        found: dict[str, str] = dict(
            database.execute("SELECT id, status FROM jobs ORDER BY seq DESC LIMIT ?", (newest,))
        )
        asked = [job_id for job_id in ids if job_id not in found]
        others: dict[str, str] = _removed(database, asked)
        sql = "SELECT id, status FROM jobs WHERE id IN (SELECT value FROM json_each(?))"
        others.update(database.execute(sql, (json.dumps(asked),)))
    return found, others


def _removed(database: Database, ids: Sequence[str]) -> dict[str, str]:
    """Return how those of these jobs ended that were removed."""
    if _version(database) < _VERSION_OF_BLOCKS:
        sql = "SELECT id, status FROM history WHERE id IN (SELECT value FROM json_each(?))"
        return dict(database.execute(sql, (json.dumps(ids),)))
    with failures.readable(database.path):
        return {job_id: trace.status for job_id, trace in History(database.execute).known(ids).items()}


def try_to_open(database: Database) -> OutlastError | None:
    """Return why a store cannot be used, None if it can."""
    try:
        database.execute("SELECT 1")
    except OutlastError as error:
        return error
    return None
