"""The records of a journal: one for each thing that happened, each whole or recognisably not.

A record is a line of its own: eight hex digits (the CRC-32 of what follows them and a space) and a JSON object. It
begins and ends with a newline, so that a torn one before it, or after it, spoils nothing but itself.
"""

import json
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring_ascii as _quoted
from zlib import crc32

OPEN, START, COMPLETE, SKIP, FAIL, STOP, RESET = "open", "start", "complete", "skip", "fail", "stop", "reset"
"""The list was given; an activity was begun, completed, skipped, failed, left before its end, made undone."""

_CHECK_DIGITS = 8
_decode = json.JSONDecoder().decode


class Record:
    """One event of a checklist. What does not belong to the event is empty, None or ().

    `at` is UTC in ISO 8601; `text` is the error of a failure or the reason of a skip; `names` is the list of OPEN.
    """

    __slots__ = ("activity", "at", "duration_ms", "event", "names", "process", "text")

    def __init__(  # noqa: PLR0913 - the fields of a value; dataclasses would double the time to import this
        self,
        event: str,
        *,
        at: str,
        activity: str = "",
        process: int | None = None,
        duration_ms: float | None = None,
        text: str = "",
        names: Sequence[str] = (),
    ) -> None:
        self.event = event
        self.at = at
        self.activity = activity
        self.process = process
        self.duration_ms = duration_ms
        self.text = text
        self.names = names

    def __repr__(self) -> str:
        return f"<{self.event} {self.activity!r} at {self.at}>"


def to_line(record: Record) -> bytes:
    """Return the bytes of a record, for one write."""
    # Spelled by hand: it is done at every completion, and a general encoder takes four times as long.
    fields = [f'"event":"{record.event}","at":"{record.at}"']
    if record.event == OPEN:
        fields.append(f'"activities":[{",".join(map(_quoted, record.names))}]')
    else:
        fields.append(f'"activity":{_quoted(record.activity)}')
    if record.process is not None:
        fields.append(f'"process":{record.process}')
    if record.duration_ms is not None:
        fields.append(f'"duration_ms":{record.duration_ms}')
    if record.text:
        fields.append(f'"text":{_quoted(record.text)}')
    body = f"{{{','.join(fields)}}}".encode("ascii")
    return b"\n%08x %b\n" % (crc32(body), body)


class Piece:
    """What stands on one line of a journal: a record, or None if it is damaged; and where its line begins."""

    __slots__ = ("offset", "record", "size")

    def __init__(self, offset: int, size: int, record: Record | None) -> None:
        self.offset = offset
        self.size = size
        self.record = record


def pieces(data: bytes, offset: int = 0) -> Iterator[Piece]:
    """Yield what stands on the lines of `data`, empty ones left out; `offset` is where it begins in the file."""
    for line in data.split(b"\n"):
        if line:
            yield Piece(offset, len(line), _from_line(line))
        offset += len(line) + 1


def _from_line(line: bytes) -> Record | None:
    body = line[_CHECK_DIGITS + 1 :]
    try:
        if line[: _CHECK_DIGITS + 1] != b"%08x " % crc32(body):
            return None
        return _from_fields(_decode(body.decode("ascii")))
    except (ValueError, RecursionError):
        return None


def _from_fields(fields: object) -> Record | None:
    """Return the record of a JSON object, None if it is no record of any version of ours."""
    if not isinstance(fields, dict):
        return None
    event, at, activity = fields.get("event"), fields.get("at"), fields.get("activity", "")
    names, text = fields.get("activities", []), fields.get("text", "")
    if not (isinstance(event, str) and isinstance(at, str) and isinstance(activity, str) and isinstance(text, str)):
        return None
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        return None
    return Record(
        event,
        at=at,
        activity=activity,
        process=_number(fields.get("process"), int),
        duration_ms=_number(fields.get("duration_ms"), int, float),
        text=text,
        names=tuple(names),
    )


def _number(value: object, *kinds: type) -> int | None:
    """Return a number of a record; a missing one is None. Raise ValueError for what is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ValueError(value)
    return value  # type: ignore[return-value]
