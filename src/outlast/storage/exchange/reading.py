"""An export, read line by line: whatever is wrong is told with the number of its line, before anything is done."""

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from outlast.core.codec import decode
from outlast.core.errors import UsageError
from outlast.core.job import Spec, StepKind
from outlast.core.schedules import CatchUp, Overlap
from outlast.core.status import ENDS, REASONS, Status
from outlast.storage.exchange.lines import END, FORMAT_VERSION, HEADER, HISTORY, JOB, LINES, SCHEDULE, SPEC, STEP, Line
from outlast.storage.exchange.specs import read_spec

LONGEST_LINE = 128 * 1024 * 1024
"""A job has at most four values of 16 MB, and its traceback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line that becomes a row: which, and its columns."""

    line: Line
    columns: dict[str, Any]


@dataclass(slots=True)
class Reading:
    """Reads one file. `specs` are those of the lines read so far, by their number in the file."""

    file: BinaryIO
    name: str
    specs: dict[int, Spec] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _steps: set[str] = field(default_factory=set)
    _in_job: bool = False
    _ended: bool = False

    def entries(self) -> Iterator[Entry]:
        """Yield the lines that become rows, in order. Raise UsageError naming the file and the line that is wrong."""
        self.file.seek(0)
        number = 0
        while raw := self.file.readline(LONGEST_LINE + 1):
            number += 1
            try:
                entry = self._entry(number, _shown(raw))
            except UsageError as error:
                raise UsageError(
                    f"{self.name}, line {number}: {error.message}", "Nothing was imported. Export it again."
                ) from None
            if entry is not None:
                yield entry
        if not self._ended:
            raise UsageError(f"{self.name} is cut off: it has no end line.", "Nothing was imported. Export it again.")

    def _entry(self, number: int, shown: Mapping[str, Any]) -> Entry | None:
        kind = str(shown.get("type"))
        if self._ended:
            raise UsageError("It comes after the end.")
        if (number == 1) != (kind == HEADER):
            raise UsageError("It is no header." if number == 1 else "It is a second header.")
        if kind in LINES:
            return self._row(LINES[kind], shown)
        if kind == HEADER:
            _check_version(shown.get("version"))
        elif kind == SPEC:
            self._take_spec(shown)
        elif kind == END:
            self._check_end(shown)
        else:
            raise UsageError(f"{kind!r:.40} is no type of line that this program knows.")
        return None

    def _take_spec(self, shown: Mapping[str, Any]) -> None:
        number = shown.get("spec")
        if isinstance(number, bool) or not isinstance(number, int):
            raise UsageError("spec is no number.")
        self.specs[number] = read_spec(shown)
        self._count(SPEC)

    def _row(self, line: Line, shown: Mapping[str, Any]) -> Entry:
        if line.of_job and not self._in_job:
            raise UsageError(f"A line of type {line.type} follows no job.")
        columns = line.read(shown)
        if "spec_id" in columns and columns["spec_id"] not in self.specs:
            raise UsageError(f"spec {columns['spec_id']} is in no line before.")
        if line is JOB:
            _check_job(columns, self.specs[columns["spec_id"]])
            self._steps.clear()
        elif line is STEP:
            self._check_step(columns)
        elif line is SCHEDULE:
            _check_schedule(columns)
        elif line is HISTORY and columns["status"] not in ENDS:
            raise UsageError(f"{columns['status']!r:.40} is no status of an end.")
        self._in_job = line is JOB or line.of_job
        self._count(line.type)
        return Entry(line=line, columns=columns)

    def _check_step(self, columns: Mapping[str, Any]) -> None:
        if columns["name"] in self._steps:
            raise UsageError(f"The job has the step {columns['name']!r:.60} twice.")
        if columns["kind"] not in tuple(StepKind):
            raise UsageError(f"{columns['kind']!r:.40} is no kind of step.")
        self._steps.add(columns["name"])

    def _count(self, kind: str) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + 1

    def _check_end(self, shown: Mapping[str, Any]) -> None:
        told = {name: number for name, number in shown.items() if name != "type" and number}
        if told != self._counts:
            raise UsageError(f"It tells of {_in_words(told)}, but there are {_in_words(self._counts)}.")
        self._ended = True


def is_export(file: BinaryIO) -> bool:
    """Tell whether a file begins like an export."""
    file.seek(0)
    try:
        return _shown(file.readline(100_000)).get("type") == HEADER
    except UsageError:
        return False


def _shown(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > LONGEST_LINE:
        raise UsageError(f"It is longer than {LONGEST_LINE // 1024**2} MB.")
    try:
        value = decode(raw.removeprefix(codecs.BOM_UTF8).decode(), "It")
    except UnicodeDecodeError:
        raise UsageError("It is not UTF-8.") from None
    if not isinstance(value, dict):
        raise UsageError("It is not a JSON object.")
    return value


def _check_version(version: object) -> None:
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise UsageError(f"It has version {version!r:.20} of the format; this program knows {FORMAT_VERSION}.")


def _check_job(columns: Mapping[str, Any], spec: Spec) -> None:
    if columns["status"] not in tuple(Status):
        raise UsageError(f"{columns['status']!r:.40} is no status.")
    status, reason = Status(columns["status"]), columns["reason"]
    # A job that was taken over from an old file may have none.
    may_lack = not REASONS[status] or not spec.target
    if reason not in REASONS[status] and not (reason is None and may_lack):
        raise UsageError(f"{reason!r:.40} is no reason for {status}.")
    if status.is_end != (columns["completed_at"] is not None):
        raise UsageError(f"A job that is {status} {'needs' if status.is_end else 'cannot have'} completed_at.")
    if columns["kind"] != spec.kind:
        raise UsageError(f"kind is {columns['kind']!r:.40}, but its spec is of {spec.kind}.")


def _check_schedule(columns: Mapping[str, Any]) -> None:
    for name, words in (("catch_up", CatchUp), ("overlap", Overlap)):
        if columns[name] not in tuple(words):
            raise UsageError(f"{name} is {columns[name]!r:.40}, which it cannot be.")


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "nothing"
