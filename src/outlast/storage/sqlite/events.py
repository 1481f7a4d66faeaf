"""A job's history: its newest events."""

from outlast.core.job import Event
from outlast.core.moments import Moment
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.rows import to_json

MOST_EVENTS = 1000
"""A job that waits for a condition for months must not fill the store; of more events the oldest go."""
_ATTEMPTS_BETWEEN_CUTS = 100

_INSERT = "INSERT INTO events (seq, at, event, actor, attempt, detail) VALUES (?, ?, ?, ?, ?, ?)"
_CUT = "DELETE FROM events WHERE n IN (SELECT n FROM events WHERE seq = ? ORDER BY n DESC LIMIT -1 OFFSET ?)"


def add_event(database: Database, seq: int, event: Event, *, attempt: int, now: Moment) -> None:
    """Append an event to a job's history, inside the caller's transaction; `attempt` and `now` fill what it lacks."""
    attempt = event.attempt or attempt
    detail = to_json(event.detail) if event.detail else None
    database.change(_INSERT, (seq, event.at or now, event.event, event.actor, attempt, detail))
    if attempt and attempt % _ATTEMPTS_BETWEEN_CUTS == 0:
        database.change(_CUT, (seq, MOST_EVENTS))
