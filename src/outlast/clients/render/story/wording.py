"""The words of stories that several of their parts use: who, how many, from where."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from outlast.clients.render.text import fit
from outlast.clients.render.times import span
from outlast.clients.render.waiting import is_plain, plain_words
from outlast.core.job import Step, StepKind
from outlast.core.moments import Moment, to_iso

LONGEST_TEXT = 240
"""An error in a story is cut here; `show` has all of it."""
_LONGEST_CURSOR = 60
_WAYS = {"cli": "", "library": " from Python", "mcp": " over MCP", "web": " in the browser"}


def who(actor: str) -> str:
    """Return who did something: `alice`, `alice over MCP`, `the job mirror_17…`; empty if nobody is known."""
    client, colon, name = actor.partition(":")
    if colon and client in _WAYS:
        return f"{name}{_WAYS[client]}"
    return f"the job {name}" if colon and client == "job" else actor


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return `1 job`, `12 jobs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def saved_words(steps: Sequence[Step]) -> str:
    """Return `3 steps and 40 items`; empty for none. Waits are no work."""
    return _kinds(
        sum(step.kind is StepKind.STEP for step in steps),
        sum(step.kind is StepKind.ITEM for step in steps),
    )


def _kinds(steps: int, items: int) -> str:
    parts = [counted(steps, "step")] if steps else []
    return " and ".join([*parts, *([counted(items, "item")] if items else [])])


def cursor_words(text: str) -> str:
    """Return a cursor as one would say it: `nonce 5,000,000`, `page 3, row 7`, `5,000`, or its JSON, cut."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return fit(text, _LONGEST_CURSOR)
    if isinstance(value, Mapping) and value:
        return _pairs(value)
    return plain_words(value) if is_plain(value) else fit(text, _LONGEST_CURSOR)


def _pairs(value: Mapping[str, Any]) -> str:
    if "nonce" in value:  # what else a search remembers does not tell where it goes on
        return f"nonce {plain_words(value['nonce'])}"
    plain = [f"{name} {plain_words(each)}" for name, each in value.items() if is_plain(each)]
    return fit(", ".join(plain) or json.dumps(value, ensure_ascii=False), _LONGEST_CURSOR)


def going_on(kept: str, cursor: str | None, kind: str) -> str:
    """Return what a later attempt begins with: `12 steps kept, from nonce 5,000,000 on`; empty for nothing."""
    parts = [f"{kept} kept"] if kept else []
    if cursor is not None:
        words = cursor_words(cursor)
        named = kind == "pow" or words[:1].isalpha()
        parts.append(f"from {words} on" if named else f"from its cursor {words} on")
    return ", ".join(parts)


def moment_words(moment: Moment, now: Moment) -> str:
    """Return `20:26:40 UTC (in 3m)` of a day that is today, else with the day."""
    iso = to_iso(moment)
    day = "" if iso[:10] == to_iso(now)[:10] else f"{iso[:10]} "
    return f"{day}{iso[11:19]} UTC ({away(moment, now)})"


def away(moment: Moment, now: Moment) -> str:
    """Return `in 3m`, `3m ago`, `now`."""
    words = span(abs(now - moment) / 1000)
    return words if words == "now" else f"in {words}" if moment > now else f"{words} ago"


def ended(sentence: str) -> str:
    """Return a sentence with a full stop, whatever somebody else's words in it end with; cut if it is very long."""
    text = sentence.strip()
    text = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
