"""Rows and values: how jobs, specs, steps, events and processes stand in the tables."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from outlast.core.codec import decode
from outlast.core.digests import sha256
from outlast.core.errors import UsageError
from outlast.core.job import FOLLOWS, Event, Home, Job, ProcessIdentity, Progress, Spec, Step, StepKind
from outlast.core.policies import Backoff, Policy
from outlast.core.status import Intent, Reason, Status
from outlast.storage.sqlite.connection import Database, Row

Execute = Callable[[str, Sequence[Any]], list[Row]]
"""Runs one statement of the store and returns its rows."""

MOST_ERROR_CHARACTERS = 8192
"""An error stands in the row that every change rewrites; its traceback is kept whole, elsewhere."""

SHORT_CHARACTERS = 1000
"""Arguments and results up to this length stand in the job's row; a row of some of them still fits a page."""

# Subqueries, because SQLite takes five times as long for the same row out of two outer joins.
_RESULT = (
    "coalesce(j.result, (SELECT r.result FROM results r WHERE r.seq = j.seq),"
    " CASE WHEN j.status <> 'completed' THEN (SELECT c.partial FROM checkpoints c WHERE c.seq = j.seq) END)"
)
# Steps are saved without rewriting the row of their job.
_UPDATED = (
    "CASE j.status WHEN 'running' THEN max(j.updated_at, coalesce("
    "(SELECT s.saved_at FROM steps s WHERE s.seq = j.seq ORDER BY s.n DESC LIMIT 1), 0)) ELSE j.updated_at END"
)
COLUMNS = (
    f"j.seq, j.id, j.status, j.reason, j.spec_id, j.created_at, j.started_at, {_UPDATED}, j.completed_at, j.wake_at,"
    " j.attempt, j.tries, j.crashes, j.saved, j.key, j.account, j.labels, j.queue, j.priority, j.actor, j.error,"
    " j.progress, j.waiting_info, j.extra, j.process_id, j.intent, j.intent_actor, j.read_at, j.gauge, j.reaches,"
    " (SELECT g.value FROM gauges g WHERE g.name = j.gauge), j.hold_until"
)

SELECT_JOB = f"SELECT {COLUMNS}, {_RESULT} FROM jobs j"
"""A WHERE on `j` follows. The last column is the result, or the preview while there is none."""

# The years 1 to 9999, which is what a time can be written in.
EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999

_STATUS = {str(status): status for status in Status}
_REASON: dict[str | None, Reason | None] = {None: None, **{str(reason): reason for reason in Reason}}
_INTENT: dict[str | None, Intent | None] = {None: None, **{str(intent): intent for intent in Intent}}
_STEP_KIND = {str(kind): kind for kind in StepKind}

# ASCII, so that even a lone surrogate of an imported file can be kept.
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_encode_sorted = json.JSONEncoder(allow_nan=False, separators=(",", ":"), sort_keys=True).encode
_POLICY_FIELDS = frozenset(Policy._fields) - {"backoff"}


class Specs:
    """The specs of one store, each read and written once while the connection lasts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._epoch = -1
        self._by_row: dict[int, Spec] = {}
        self._rows_of: dict[int, tuple[Spec, int]] = {}

    def of_row(self, row: int) -> Spec:
        """Return the spec that stands in a row of the table."""
        self._forget_if_stale()
        spec = self._by_row.get(row)
        if spec is None:
            found = self._database.execute("SELECT body FROM specs WHERE id = ?", (row,))
            if not found:
                raise ValueError(f"spec {row} is missing")
            spec = self._by_row[row] = spec_from_json(found[0][0])
        return spec

    def row_of(self, spec: Spec) -> int:
        """Return the row of a spec; add it, inside the caller's transaction, if it is new."""
        self._forget_if_stale()
        known = self._rows_of.get(id(spec))
        if known is not None:
            return known[1]
        body = spec_to_json(spec)
        digest = sha256(body.encode())
        found = self._database.execute("SELECT id FROM specs WHERE digest = ?", (digest,))
        if not found:
            found = self._database.execute(
                "INSERT INTO specs (digest, body) VALUES (?, ?) RETURNING id", (digest, body)
            )
        row = int(found[0][0])
        # The spec itself is kept, so that its id is not given to another one.
        self._rows_of[id(spec)] = (spec, row)
        return row

    def _forget_if_stale(self) -> None:
        if self._epoch != self._database.epoch or len(self._rows_of) > 1000 or len(self._by_row) > 1000:
            self._by_row.clear()
            self._rows_of.clear()
            self._epoch = self._database.epoch


def job_of(row: Row, specs: Specs) -> Job:
    """Return the job of a row of SELECT_JOB. Raise ValueError, KeyError or TypeError for a damaged row."""
    for moment in (*row[5:10], row[27], row[31]):
        if moment is not None and not EARLIEST <= moment <= LATEST:
            raise ValueError(f"{moment} is no time")
    return Job(
        seq=row[0],
        id=row[1],
        status=_STATUS[row[2]],
        reason=_REASON[row[3]],
        spec=specs.of_row(row[4]),
        created_at=row[5],
        started_at=row[6],
        updated_at=row[7],
        completed_at=row[8],
        wake_at=row[9],
        attempt=row[10],
        tries=row[11],
        crashes=row[12],
        saved=bool(row[13]),
        key=row[14],
        account=row[15],
        labels={} if row[16] is None else json.loads(row[16]),
        queue=row[17],
        priority=row[18],
        actor=row[19],
        error=row[20],
        progress=None if row[21] is None else progress_from_json(row[21]),
        waiting_info=None if row[22] is None else _followed(json.loads(row[22]), row[30]),
        gauge=row[28],
        reaches=row[29],
        extra=None if row[23] is None else json.loads(row[23]),
        process_id=row[24],
        intent=_INTENT[row[25]],
        intent_actor=row[26],
        read_at=row[27],
        hold_until=row[31],
        result=json_text(row[32]),
    )


def json_text(text: str | None) -> str | None:
    """Return a text that is JSON, or none. Raise ValueError for any other: it would be shown, or handed on, as JSON."""
    if text is not None:
        try:
            decode(text)
        except UsageError as error:
            raise ValueError(error.message) from None
    return text


def _followed(info: dict[str, Any], value: int | None) -> dict[str, Any]:
    """Return what is shown of a wait; what follows a gauge is counted from the gauge's value as it is now."""
    rules: dict[str, tuple[int, int]] = info.pop(FOLLOWS, {})
    if value is not None:
        info |= {name: max(0, factor * value + offset) for name, (factor, offset) in rules.items()}
    return info


def to_json(value: Mapping[str, object] | None) -> str | None:
    """Return the text of an object, None for none."""
    return None if value is None else _encode(dict(value))


def labels_to_json(labels: Mapping[str, str]) -> str | None:
    """Return the text of labels, None for none at all."""
    return _encode(dict(labels)) if labels else None


def cap_error(error: str | None) -> str | None:
    """Return an error short enough for the row."""
    if error is None or len(error) <= MOST_ERROR_CHARACTERS:
        return error
    return error[: MOST_ERROR_CHARACTERS - 1] + "…"


def progress_to_json(progress: Progress, now: int) -> str:
    """Return the text of a progress; one without a time was reported now."""
    values = {
        "done": progress.done,
        "total": progress.total,
        "message": progress.message,
        "rate": progress.rate,
        "updated_at": progress.updated_at or now,
    }
    return _encode({name: value for name, value in values.items() if value is not None})


def progress_from_json(text: str) -> Progress:
    """Return the progress of a text."""
    return Progress(**json.loads(text))


def spec_to_json(spec: Spec) -> str:
    """Return the text that is the same for equal specs."""
    policy, home = spec.policy, spec.home
    rules = {name: getattr(policy, name) for name in _POLICY_FIELDS}
    return _encode_sorted(
        {
            "kind": spec.kind,
            "target": spec.target,
            "policy": {**rules, "backoff": [policy.backoff.least_seconds, policy.backoff.most_seconds]},
            "home": {
                "interpreter": home.interpreter,
                "path": home.path,
                "cwd": home.cwd,
                "env": dict(home.env),
            },
        }
    )


def spec_from_json(text: str) -> Spec:
    """Return the spec of a text. Raise ValueError, KeyError or TypeError for a damaged one."""
    body = json.loads(text)
    # A newer program of the same schema may know more rules; they do not concern this one.
    rules: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in body["policy"].items()
        if name in _POLICY_FIELDS
    }
    least, most = body["policy"]["backoff"]
    home = body["home"]
    return Spec(
        kind=body["kind"],
        target=body["target"],
        policy=Policy(**rules, backoff=Backoff(least_seconds=least, most_seconds=most)),
        home=Home(interpreter=home["interpreter"], path=tuple(home["path"]), cwd=home["cwd"], env=dict(home["env"])),
    )


def step_of(row: Row) -> Step:
    """Return the step of (name, kind, result, duration_ms, attempt, saved_at). Raise ValueError for a damaged one."""
    json_text(row[2])
    return Step(
        name=row[0], kind=_STEP_KIND[row[1]], result=row[2], duration_ms=row[3], attempt=row[4], saved_at=row[5]
    )


def event_of(row: Row) -> Event:
    """Return the event of (event, actor, attempt, at, detail)."""
    detail = {} if row[4] is None else json.loads(row[4])
    return Event(event=row[0], actor=row[1], attempt=row[2], at=row[3], detail=detail)


IDENTITY = "id, pid, start_ticks, boot_id, pid_namespace"


def identity_values(identity: ProcessIdentity) -> tuple[object, ...]:
    """Return the values of the columns IDENTITY."""
    return (identity.id, identity.pid, identity.start_ticks, identity.boot_id, identity.pid_namespace)


def identities(rows: Iterable[Row]) -> list[ProcessIdentity]:
    """Return the processes of rows of the columns IDENTITY."""
    return [
        ProcessIdentity(id=row[0], pid=row[1], start_ticks=row[2], boot_id=row[3], pid_namespace=row[4]) for row in rows
    ]
