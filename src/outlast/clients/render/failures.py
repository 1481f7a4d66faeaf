"""What failed alike: the list of groups, and one group."""

from collections.abc import Iterator, Sequence
from typing import Any

from outlast.clients.render.jobs import Screen, field_lines
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible
from outlast.clients.render.times import age, since
from outlast.core.figures import FailureGroup
from outlast.core.moments import to_iso

NO_ERROR = "(no error text)"
_MOST_KINDS = 8


def group_object(group: FailureGroup) -> dict[str, Any]:
    """Return a group as JSON."""
    return {
        "group": group.code,
        "error": group.group,
        "count": group.count,
        "kept": group.kept,
        "newest_at": to_iso(group.newest_at),
        "oldest_at": to_iso(group.oldest_at),
        "example": group.example_id,
        "kinds": dict(group.kinds),
    }


def group_list(groups: Sequence[FailureGroup], screen: Screen) -> list[str]:
    """Return the table of groups."""
    columns = (
        Column(heading="GROUP", least=8, gives_way=9),
        Column(heading="COUNT", wants=9, least=5, gives_way=9, right=True),
        Column(heading="NEWEST", wants=6, gives_way=9, right=True),
        Column(heading="OLDEST", wants=6, gives_way=9, right=True),
        Column(heading="KINDS", wants=12, least=6, gives_way=1),
        Column(heading="ERROR", wants=30, least=12, gives_way=2, paint=lambda row, text: screen.paint(text, "red")),
    )
    rows = [
        (
            group.code,
            f"{group.count:,}",
            age(group.newest_at, screen.now),
            age(group.oldest_at, screen.now),
            visible(", ".join(group.kinds)),
            visible(group.group) or NO_ERROR,
        )
        for group in groups
    ]
    return table(columns, rows, screen.width, screen.paint)


def group_screen(group: FailureGroup, screen: Screen) -> list[str]:
    """Return the screen of one group, without its jobs."""
    lines = [screen.paint(group.code, "bold")]
    for label, value in _fields(group, screen):
        lines += field_lines(label, value, screen)
    return lines


def _fields(group: FailureGroup, screen: Screen) -> Iterator[tuple[str, str]]:
    yield "error", group.group or NO_ERROR
    gone = group.count - group.kept
    which = "all" if not group.kept else f"{gone:,} of them"
    yield "failures", f"{group.count:,}{f', {which} removed since' if gone else ''}"
    yield "newest", since(group.newest_at, screen.now)
    if group.oldest_at != group.newest_at:
        yield "oldest", since(group.oldest_at, screen.now)
    shown = list(group.kinds.items())[:_MOST_KINDS]
    more = f" and {len(group.kinds) - len(shown)} more" if len(group.kinds) > len(shown) else ""
    yield "kinds", ", ".join(f"{kind} {count:,}" for kind, count in shown) + more
