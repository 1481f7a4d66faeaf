"""The lines of the export format: which there are, their fields, and where each stands in the store.

The format has a version of its own. A field may be added to a version; none changes its meaning or goes away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outlast.core.errors import UsageError
from outlast.storage.exchange.values import (
    BYTES,
    COUNT,
    FLAG,
    JSON,
    LABELS,
    NUMBER,
    OBJECT,
    PROGRESS,
    TEXT,
    TIME,
    WHOLE,
    Kind,
)

FORMAT_VERSION = 1
HEADER = "outlast-export"
END = "end"
SPEC = "spec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a line: its name there, its column in the table, and whether it must be there.

    A field that is absent is `default` in the table.
    """

    name: str
    place: str
    kind: Kind
    required: bool = False
    default: Any = None

    def holds(self, value: Any) -> bool:
        """Tell whether a value says anything: null is a value only where any JSON is one."""
        return value is not None or self.kind is JSON


class Line:
    """One type of line. `of_job` says that it belongs to a job and follows it."""

    def __init__(self, *, type: str, table: str, fields: tuple[Field, ...], of_job: bool = False) -> None:
        self.type = type
        self.table = table
        self.fields = fields
        self.of_job = of_job
        self._defaults = {field.place: field.default for field in fields}
        self._required = [field for field in fields if field.required]
        self._by_name = {field.name: field for field in fields}

    def sql(self, columns: Mapping[str, str]) -> str:
        """Return the SQL of a line; a field that is NULL is absent. `columns` replaces names by SQL."""
        shown = (
            f"""',"{field.name}":' || {field.kind.sql.format(columns.get(field.place, field.place))}"""
            for field in self.fields
        )
        # concat() leaves NULL out. Large values come last: what stands before them is copied with them.
        return f"""concat('{{"type":"{self.type}"', {", ".join(shown)}, '}}')"""

    def read(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a line's fields. Raise UsageError naming the field that is wrong; unknown ones are
        of a later program and left out."""
        for field in self._required:
            if field.name not in shown or not field.holds(shown[field.name]):
                raise UsageError(f"{field.name} is missing.")
        columns = self._defaults.copy()
        for name, value in shown.items():
            found = self._by_name.get(name)
            if found is not None and found.holds(value):
                try:
                    columns[found.place] = found.kind.read(value)
                except ValueError as error:
                    raise UsageError(f"{name} {error}.") from None
        return columns


JOB = Line(
    type="job",
    table="jobs",
    fields=(
        Field(name="job_id", place="id", kind=TEXT, required=True),
        Field(name="status", place="status", kind=TEXT, required=True),
        Field(name="reason", place="reason", kind=TEXT),
        Field(name="kind", place="kind", kind=TEXT, required=True),
        Field(name="spec", place="spec_id", kind=WHOLE, required=True),
        Field(name="queue", place="queue", kind=TEXT, default="default"),
        Field(name="priority", place="priority", kind=WHOLE, default=0),
        Field(name="keep", place="keep", kind=FLAG, default=0),
        Field(name="created_at", place="created_at", kind=TIME, required=True),
        Field(name="started_at", place="started_at", kind=TIME),
        Field(name="updated_at", place="updated_at", kind=TIME, required=True),
        Field(name="completed_at", place="completed_at", kind=TIME),
        Field(name="wake_at", place="wake_at", kind=TIME),
        Field(name="read_at", place="read_at", kind=TIME),
        Field(name="hold_until", place="hold_until", kind=TIME),
        Field(name="attempts", place="attempt", kind=COUNT, default=0),
        Field(name="tries", place="tries", kind=COUNT, default=0),
        Field(name="crashes", place="crashes", kind=COUNT, default=0),
        Field(name="saved", place="saved", kind=FLAG, default=0),
        Field(name="key", place="key", kind=TEXT),
        Field(name="account", place="account", kind=TEXT),
        Field(name="actor", place="actor", kind=TEXT, default=""),
        Field(name="labels", place="labels", kind=LABELS),
        Field(name="progress", place="progress", kind=PROGRESS),
        Field(name="waiting_info", place="waiting_info", kind=OBJECT),
        Field(name="extra", place="extra", kind=OBJECT),
        Field(name="error", place="error", kind=TEXT),
        Field(name="result", place="result", kind=JSON),
        Field(name="args", place="args", kind=JSON),
        Field(name="cursor", place="cursor", kind=JSON),
        Field(name="partial", place="partial", kind=JSON),
        Field(name="traceback", place="traceback", kind=TEXT),
    ),
)
STEP = Line(
    type="step",
    table="steps",
    of_job=True,
    fields=(
        Field(name="name", place="name", kind=TEXT, required=True),
        Field(name="kind", place="kind", kind=TEXT, required=True),
        Field(name="attempt", place="attempt", kind=COUNT, required=True),
        Field(name="saved_at", place="saved_at", kind=TIME, required=True),
        Field(name="duration_ms", place="duration_ms", kind=NUMBER, required=True),
        Field(name="result", place="result", kind=JSON, required=True),
    ),
)
EVENT = Line(
    type="event",
    table="events",
    of_job=True,
    fields=(
        Field(name="at", place="at", kind=TIME, required=True),
        Field(name="event", place="event", kind=TEXT, required=True),
        Field(name="actor", place="actor", kind=TEXT, default=""),
        Field(name="attempt", place="attempt", kind=COUNT, default=0),
        Field(name="detail", place="detail", kind=OBJECT),
    ),
)
PROGRESS_POINT = Line(
    type="progress",
    table="progress_history",
    of_job=True,
    fields=(
        Field(name="at", place="at", kind=TIME, required=True),
        Field(name="done", place="done", kind=NUMBER),
        Field(name="total", place="total", kind=NUMBER),
    ),
)
QUESTION = Line(
    type="question",
    table="questions",
    of_job=True,
    fields=(
        Field(name="n", place="n", kind=COUNT, required=True),
        Field(name="asked_at", place="asked_at", kind=TIME, required=True),
        Field(name="question", place="question", kind=TEXT, required=True),
        Field(name="answered_at", place="answered_at", kind=TIME),
        Field(name="answer", place="answer", kind=TEXT),
        Field(name="actor", place="actor", kind=TEXT),
    ),
)
SCHEDULE = Line(
    type="schedule",
    table="schedules",
    fields=(
        Field(name="name", place="name", kind=TEXT, required=True),
        Field(name="spec", place="spec_id", kind=WHOLE, required=True),
        Field(name="args", place="args", kind=JSON, required=True),
        Field(name="account", place="account", kind=TEXT),
        Field(name="labels", place="labels", kind=LABELS),
        Field(name="queue", place="queue", kind=TEXT, default="default"),
        Field(name="priority", place="priority", kind=WHOLE, default=0),
        Field(name="rule", place="rule", kind=TEXT, required=True),
        Field(name="timezone", place="timezone", kind=TEXT, required=True),
        Field(name="catch_up", place="catch_up", kind=TEXT, required=True),
        Field(name="overlap", place="overlap", kind=TEXT, required=True),
        Field(name="paused", place="paused", kind=FLAG, default=0),
        Field(name="next_at", place="next_at", kind=TIME),
        Field(name="settled_to", place="settled_to", kind=TIME, required=True),
        Field(name="last_job_id", place="last_job_id", kind=TEXT),
        Field(name="skipped", place="skipped", kind=COUNT, default=0),
        Field(name="actor", place="actor", kind=TEXT, default=""),
        Field(name="created_at", place="created_at", kind=TIME, required=True),
        Field(name="revision", place="revision", kind=COUNT, default=1),
    ),
)
HISTORY = Line(
    type="history",
    table="history",
    fields=(
        Field(name="job_id", place="id", kind=TEXT, required=True),
        Field(name="key", place="key", kind=TEXT),
        Field(name="kind", place="kind", kind=TEXT, required=True),
        Field(name="account", place="account", kind=TEXT),
        Field(name="status", place="status", kind=TEXT, required=True),
        Field(name="reason", place="reason", kind=TEXT),
        Field(name="error_group", place="error_group", kind=TEXT),
        Field(name="created_at", place="created_at", kind=TIME, required=True),
        Field(name="started_at", place="started_at", kind=TIME),
        Field(name="completed_at", place="completed_at", kind=TIME, required=True),
        Field(name="removed_at", place="removed_at", kind=TIME, required=True),
        Field(name="actor", place="actor", kind=TEXT, default=""),
        Field(name="fingerprint", place="fingerprint", kind=BYTES),
    ),
)
OF_JOB = (STEP, EVENT, PROGRESS_POINT, QUESTION)
LINES = {line.type: line for line in (JOB, *OF_JOB, SCHEDULE, HISTORY)}

LEFT_OUT: Mapping[str, frozenset[str]] = {
    # Numbers of one store: they are given anew.
    "jobs": frozenset({"seq", "error_group", "process_id", "intent", "intent_actor", "gauge", "reaches"}),
    "steps": frozenset({"seq", "n"}),
    "events": frozenset({"seq", "n"}),
    "progress_history": frozenset({"seq"}),
    "questions": frozenset({"seq"}),
    "results": frozenset({"seq", "size", "sha256"}),
    "inputs": frozenset({"seq"}),
    "checkpoints": frozenset({"seq"}),
    # In the lines of jobs and specs.
    "specs": frozenset({"id", "digest", "body"}),
    # What lives on one machine, and what is read anew.
    "processes": frozenset({"*"}),
    "supervisors": frozenset({"*"}),
    "migrations": frozenset({"*"}),
    "gauges": frozenset({"*"}),
    # What the lines of removed jobs tell, packed.
    "history_blocks": frozenset({"*"}),
    "history_keys": frozenset({"*"}),
}
"""Columns that are in no line, by table: all of what is left out is named here, or a test fails."""
