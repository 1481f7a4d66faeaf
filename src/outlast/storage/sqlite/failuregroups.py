"""What failed alike: groups of failures among jobs and in the history. Inside the caller's transaction."""

from collections import Counter
from dataclasses import dataclass, field

from outlast.core.figures import FailureGroup, Failures
from outlast.core.moments import Moment
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.history import FailedHere, History

_JOBS = "jobs INDEXED BY jobs_failed WHERE status = 'failed'"
_OF_A_GROUP = "AND error_group = ?1 AND completed_at >= ?2"
_COUNTED = f"SELECT error_group, count(*), min(completed_at), max(completed_at) FROM {_JOBS}"
_GROUPS = f"{_COUNTED} AND completed_at >= ?1 GROUP BY error_group"
_GROUP = f"{_COUNTED} {_OF_A_GROUP} GROUP BY error_group"
_KINDS = f"SELECT kind, count(*) FROM {_JOBS} {_OF_A_GROUP} GROUP BY kind"
_EXAMPLE = f"SELECT id FROM {_JOBS} {_OF_A_GROUP} ORDER BY completed_at DESC LIMIT 1"
_NAMES = (
    f"WITH RECURSIVE g (name) AS (SELECT min(error_group) FROM {_JOBS} UNION ALL SELECT"
    f" (SELECT min(error_group) FROM {_JOBS} AND error_group > g.name) FROM g WHERE g.name IS NOT NULL)"
    " SELECT name FROM g WHERE name IS NOT NULL"
)
PAGE = (
    f"SELECT seq FROM {_JOBS} {_OF_A_GROUP} AND (completed_at, seq) < (?3, ?4)"
    " ORDER BY completed_at DESC, seq DESC LIMIT ?5"
)


@dataclass(slots=True)
class _Tally:
    """What is counted of one group: its row of _COUNTED among the jobs, and in the history."""

    jobs: tuple[str, int, Moment, Moment] | None = None
    removed: list[FailedHere] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.kept + sum(here.failed.number for here in self.removed)

    @property
    def kept(self) -> int:
        return 0 if self.jobs is None else self.jobs[1]

    @property
    def oldest_at(self) -> Moment:
        first = [] if self.jobs is None else [self.jobs[2]]
        return min(first + [here.failed.oldest_at for here in self.removed])

    @property
    def newest_at(self) -> Moment:
        last = [] if self.jobs is None else [self.jobs[3]]
        return max(last + [here.failed.newest_at for here in self.removed])


class FailureGroups:
    """The groups of one store."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def groups(self, *, since: Moment, limit: int) -> Failures:
        """Return the groups with the newest failures since then."""
        found: dict[str, _Tally] = {}
        for name, count, oldest, newest in self._database.execute(_GROUPS, (since,)):
            found[name] = _Tally(jobs=(name, count, oldest, newest))
        for (name, _), here in self._history.failed(since).items():
            found.setdefault(name, _Tally()).removed.append(here)
        ordered = sorted(found.items(), key=lambda pair: (-pair[1].newest_at, pair[0]))
        shown = [self._group(name, tally, since) for name, tally in ordered[: max(0, limit)]]
        return Failures(groups=shown, total=len(found))

    def group(self, name: str, *, since: Moment) -> FailureGroup | None:
        """Return one group, None if nothing failed like this since then."""
        row = next(iter(self._database.execute(_GROUP, (name, since))), None)
        removed = [here for (group, _), here in self._history.failed(since).items() if group == name]
        tally = _Tally(jobs=None if row is None else (row[0], row[1], row[2], row[3]), removed=removed)
        return self._group(name, tally, since) if tally.count else None

    def names(self) -> list[str]:
        """Return the names of all groups."""
        return sorted({name for (name,) in self._database.execute(_NAMES)} | self._history.failed_groups())

    def _group(self, name: str, tally: _Tally, since: Moment) -> FailureGroup:
        return FailureGroup(
            group=name,
            count=tally.count,
            kept=tally.kept,
            oldest_at=tally.oldest_at,
            newest_at=tally.newest_at,
            example_id=self._example(name, tally, since),
            kinds=self._kinds(name, tally, since),
        )

    def _example(self, name: str, tally: _Tally, since: Moment) -> str:
        for (job_id,) in self._database.execute(_EXAMPLE, (name, since)) if tally.kept else ():
            return str(job_id)
        return self._history.example(name, max(tally.removed, key=lambda here: here.failed.newest_at))

    def _kinds(self, name: str, tally: _Tally, since: Moment) -> dict[str, int]:
        kinds: Counter[str] = Counter({here.failed.kind: here.failed.number for here in tally.removed})
        if tally.kept:
            kinds.update(dict(self._database.execute(_KINDS, (name, since))))
        return dict(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])))
