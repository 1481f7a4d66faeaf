"""The JSON of a checklist, which people read: what is written, and what is believed of one that is found."""

import json
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring, encode_basestring_ascii

from outlast.jobstate.ledger import Ledger

KEYS = ("date", "account", "type", "completed", "remaining", "lastUpdate")


class Title:
    """Whose checklist it is: account, type, and date (`2025-09-20`)."""

    __slots__ = ("account", "date", "type")

    def __init__(self, account: str, type: str, date: str) -> None:
        self.account = account
        self.type = type
        self.date = date

    def __str__(self) -> str:
        return f"{self.account} {self.type} {self.date}"


class Seen:
    """What a JSON says. `fault` tells in words what is wrong with it; then only the rest may be believed.

    `remaining` is None if it is missing or no list of texts.
    """

    __slots__ = ("completed", "fault", "last_update", "remaining", "title")

    def __init__(
        self,
        completed: list[str],
        remaining: list[str] | None,
        *,
        title: tuple[object, object, object] = (None, None, None),
        last_update: str = "",
        fault: str = "",
    ) -> None:
        self.completed = completed
        self.remaining = remaining
        self.title = title
        self.last_update = last_update
        self.fault = fault


def written(title: Title, ledger: Ledger) -> bytes:
    """Return the JSON of a checklist."""
    return written_fields(title, ledger.completed, ledger.remaining, ledger.last_update)


def written_fields(title: Title, completed: Iterable[str], remaining: Iterable[str], last_update: str) -> bytes:
    """Return the JSON of these values; the names can be gone through twice."""
    try:
        return _text(title, completed, remaining, last_update, encode_basestring).encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate: only an escape can spell it
        return _text(title, completed, remaining, last_update, encode_basestring_ascii).encode("ascii")


def _text(
    title: Title, completed: Iterable[str], remaining: Iterable[str], last_update: str, quoted: Callable[[str], str]
) -> str:
    return (
        f'{{\n  "date": {quoted(title.date)},\n  "account": {quoted(title.account)},\n  "type": {quoted(title.type)},\n'
        f'  "completed": {_list(map(quoted, completed))},\n'
        f'  "remaining": {_list(map(quoted, remaining))},\n'
        f'  "lastUpdate": {quoted(last_update)}\n}}\n'
    )


def _list(quoted: Iterable[str]) -> str:
    inside = ",\n    ".join(quoted)
    return f"[\n    {inside}\n  ]" if inside else "[]"


def read(raw: bytes) -> Seen:
    """Return what a JSON says, however damaged it is."""
    twice: list[str] = []

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(found)
        if len(fields) < len(found):
            twice.append("a key stands in it twice")
        return fields

    try:
        # An editor may have left a byte order mark, or another Unicode encoding; both are told apart without guessing.
        fields = json.loads(raw.decode(json.detect_encoding(raw)), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        return Seen([], None, fault=f"it is no JSON ({_in_short(error)})" if raw.strip(b"\0 \n") else "it is empty")
    if not isinstance(fields, dict):
        return Seen([], None, fault="it is no JSON object")
    return _seen(fields, twice)


def _in_short(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]


def _seen(fields: dict[str, object], faults: list[str]) -> Seen:
    lists: dict[str, list[str] | None] = {}
    for key in ("completed", "remaining"):
        value = fields.get(key)
        texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else None
        lists[key] = texts
        if texts is None or len(texts) != len(value):  # type: ignore[arg-type]
            faults.append(f"{key} is no list of texts")
    title = (fields.get("account"), fields.get("type"), fields.get("date"))
    last_update = fields.get("lastUpdate")
    if not all(isinstance(text, str) for text in (*title, last_update)):
        faults.append("account, type, date or lastUpdate is no text")
    completed = list(dict.fromkeys(lists["completed"] or ()))
    return Seen(
        completed,
        lists["remaining"],
        title=title,
        last_update=last_update if isinstance(last_update, str) else "",
        fault="; ".join(faults),
    )


def added(seen: Seen, ledger: Ledger) -> list[str]:
    """Return the completions that a JSON has and the journal has not: an edit by hand, or the old system's.

    A JSON that lacks what it must once have held was edited otherwise, or is damaged. Of such a one only a name is
    believed that the checklist knows and that does not stand in `remaining` too, as after a flipped bit it would.
    """
    more = [name for name in seen.completed if name not in ledger.completed]
    if not more or (not seen.fault and not _lacks(seen, ledger)):
        return more
    if not ledger.completed and not ledger.given:  # no journal to compare it with
        return more
    remaining = set(seen.remaining or ledger.remaining)
    return [name for name in more if ledger.knows(name) and name not in remaining]


def _lacks(seen: Seen, ledger: Ledger) -> bool:
    """Tell whether a completion is missing that is older than the JSON, or the one that it was written for."""
    there = set(seen.completed)
    if any(name not in there and at < seen.last_update for name, at in ledger.completed.items()):
        return True
    latest = {name for name, at in ledger.completed.items() if at == seen.last_update}
    return bool(latest) and there.isdisjoint(latest)


def says_the_same(seen: Seen, title: Title, ledger: Ledger) -> bool:
    """Tell whether a JSON says what would be written now, apart from the time of its last change."""
    return (
        not seen.fault
        and seen.title == (title.account, title.type, title.date)
        and seen.completed == list(ledger.completed)
        and seen.remaining == list(ledger.remaining)
    )
