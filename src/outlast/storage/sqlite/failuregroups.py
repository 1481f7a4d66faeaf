"""What failed alike: groups of failures among jobs and history rows. Inside the caller's transaction."""

from outlast.core.figures import FailureGroup, Failures
from outlast.core.moments import Moment
from outlast.storage.sqlite.connection import Database, Row

_JOBS = "jobs INDEXED BY jobs_failed WHERE status = 'failed'"
_HISTORY = "history INDEXED BY history_failed WHERE status = 'failed'"
_OF_A_GROUP = "AND error_group = ?1 AND completed_at >= ?2"
_COUNTED = (
    "SELECT error_group AS name, count(*) AS n, {kept} AS kept, min(completed_at) AS oldest,"
    " max(completed_at) AS newest FROM {source} {which} GROUP BY error_group"
)


def _counted(which: str) -> str:
    """Return SQL for the figures of groups, in the order of FailureGroup."""
    jobs = _COUNTED.format(source=_JOBS, kept="count(*)", which=which)
    removed = _COUNTED.format(source=_HISTORY, kept="0", which=which)
    return f"SELECT name, sum(n), sum(kept), min(oldest), max(newest) FROM ({jobs} UNION ALL {removed}) GROUP BY name"


_GROUPS = f"SELECT *, count(*) OVER () FROM ({_counted('AND completed_at >= ?1')}) ORDER BY 5 DESC, name LIMIT ?2"
_GROUP = _counted(_OF_A_GROUP)
_KINDS = (
    f"SELECT kind, sum(n) FROM (SELECT kind, count(*) AS n FROM {_JOBS} {_OF_A_GROUP} GROUP BY kind UNION ALL"
    f" SELECT kind, count(*) FROM {_HISTORY} {_OF_A_GROUP} GROUP BY kind) GROUP BY kind ORDER BY 2 DESC, kind"
)
_EXAMPLES = tuple(
    f"SELECT id FROM {source} {_OF_A_GROUP} ORDER BY completed_at DESC LIMIT 1" for source in (_JOBS, _HISTORY)
)
_NAMES = " UNION ".join(
    f"SELECT name FROM (WITH RECURSIVE g (name) AS (SELECT min(error_group) FROM {source} UNION ALL SELECT"
    f" (SELECT min(error_group) FROM {source} AND error_group > g.name) FROM g WHERE g.name IS NOT NULL)"
    " SELECT name FROM g WHERE name IS NOT NULL)"
    for source in (_JOBS, _HISTORY)
)
PAGE = (
    f"SELECT seq FROM {_JOBS} {_OF_A_GROUP} AND (completed_at, seq) < (?3, ?4)"
    " ORDER BY completed_at DESC, seq DESC LIMIT ?5"
)


def groups(database: Database, *, since: Moment, limit: int) -> Failures:
    """Return the groups with the newest failures since then."""
    found = database.execute(_GROUPS, (since, limit))
    return Failures(groups=[_group(database, row, since) for row in found], total=found[0][5] if found else 0)


def group(database: Database, name: str, *, since: Moment) -> FailureGroup | None:
    """Return one group, None if nothing failed like this since then."""
    found = database.execute(_GROUP, (name, since))
    return _group(database, found[0], since) if found else None


def names(database: Database) -> list[str]:
    """Return the names of all groups."""
    return [name for (name,) in database.execute(_NAMES)]


def _group(database: Database, row: Row, since: Moment) -> FailureGroup:
    name, count, kept, oldest_at, newest_at, *_ = row
    examples = (database.execute(sql, (name, since)) for sql in _EXAMPLES)
    return FailureGroup(
        group=name,
        count=count,
        kept=kept,
        oldest_at=oldest_at,
        newest_at=newest_at,
        example_id=next(found[0][0] for found in examples if found),
        kinds=dict(database.execute(_KINDS, (name, since))),
    )
