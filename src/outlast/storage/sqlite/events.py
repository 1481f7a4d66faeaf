"""A job's history: its newest events."""

from outlast.core.job import Event
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.rows import to_json

MOST_EVENTS = 1000
"""A job that waits for a condition for months must not fill the store; older events go, a hundred at a time."""

_INSERT = (
    "INSERT INTO events (seq, n, at, event, actor, attempt, detail)"
    " SELECT ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM events WHERE seq = ?1 RETURNING n"
)


def add_event(database: Database, seq: int, event: Event) -> None:
    """Append an event to a job's history, inside the caller's transaction; `at` and `attempt` are set."""
    detail = to_json(event.detail) if event.detail else None
    n = database.execute(_INSERT, (seq, event.at, event.event, event.actor, event.attempt, detail))[0][0]
    if n > MOST_EVENTS and n % 100 == 0:
        database.execute("DELETE FROM events WHERE seq = ? AND n <= ?", (seq, n - MOST_EVENTS))
