"""Gauges: numbers outside that many jobs wait for, read by one of them for all. Inside the caller's transaction."""

from outlast.core.moments import Moment
from outlast.storage.sqlite.connection import Database

_KEEP = (
    "INSERT INTO gauges (name, value, look_at, every_ms) VALUES (?1, ?2, ?3 + ?4, ?4) ON CONFLICT (name) DO UPDATE SET"
    " value = excluded.value, look_at = excluded.look_at, every_ms = excluded.every_ms"
)
_WAITING = "jobs INDEXED BY jobs_gauge WHERE gauge = g.name AND status = 'waiting' AND reason = 'condition'"
_WAKE_THOSE_REACHED = (
    "UPDATE jobs INDEXED BY jobs_gauge SET status = 'queued', reason = NULL, waiting_info = NULL, gauge = NULL,"
    " reaches = NULL, updated_at = ? WHERE gauge = ? AND status = 'waiting' AND reason = 'condition' AND reaches <= ?"
)
# Nobody else is sent while one that was sent has not begun: all processes may be busy for hours.
_NOBODY_SENT = "NOT EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_gauge WHERE gauge = g.name AND status = 'queued')"
_UNREAD = (
    f"SELECT g.name, g.every_ms, (SELECT seq FROM {_WAITING} ORDER BY reaches, seq LIMIT 1) AS reader FROM gauges g"
    f" WHERE g.look_at <= ? AND reader IS NOT NULL AND {_NOBODY_SENT}"
)
_SEND = "UPDATE jobs SET status = 'queued', reason = NULL, waiting_info = NULL, updated_at = ? WHERE seq = ?"
_NEXT_LOOK = f"SELECT min(g.look_at) FROM gauges g WHERE EXISTS (SELECT 1 FROM {_WAITING}) AND {_NOBODY_SENT}"
_FORGET = "DELETE FROM gauges WHERE look_at < ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.gauge = gauges.name)"
_FORGOTTEN_AFTER_MS = 24 * 3_600_000


def read(database: Database, name: str, value: int, every_ms: int, now: Moment) -> int:
    """Keep what somebody read, and queue the jobs whose value is reached; return how many."""
    database.execute(_KEEP, (name, value, now, every_ms))
    database.execute(_FORGET, (now - _FORGOTTEN_AFTER_MS,))
    return database.change(_WAKE_THOSE_REACHED, (now, name, value))


def send_readers(database: Database, now: Moment) -> int:
    """Queue, for each gauge that is to be read again, the job that waits for the least; return how many."""
    sent = 0
    for name, every_ms, seq in database.execute(_UNREAD, (now,)):
        database.execute("UPDATE gauges SET look_at = ? WHERE name = ?", (now + every_ms, name))
        sent += database.change(_SEND, (now, seq))
    return sent


def next_look(database: Database) -> Moment | None:
    """Return when a gauge is to be read again, None if nobody waits for one."""
    found: Moment | None = database.execute(_NEXT_LOOK)[0][0]
    return found
