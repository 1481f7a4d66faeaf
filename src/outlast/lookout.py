"""The use cases that only look: one job's prospects, what failed alike, the figures of the whole store."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from outlast.core.errorgroups import error_group, group_code
from outlast.core.errors import NotFound, UsageError
from outlast.core.figures import FailureGroup, Failures, Figures
from outlast.core.job import Details, Job, ProcessIdentity, Stats
from outlast.core.places import Places
from outlast.core.ports import Jobs
from outlast.core.prospects import Office, Prospects
from outlast.core.query import Field, Query, Term
from outlast.core.status import Status

HOURS, DAYS = 24, 14
NEWEST_OF_KIND = 1_000
"""So many of the newest completed jobs of a kind tell how long it takes."""
LEAST_CODE = 3
_RUNNING = Query(terms=(Term(field=Field.STATUS, value=Status.RUNNING),))
PAGE = 500


class Witness(Protocol):
    """What can be asked of the machine about processes; asking changes nothing."""

    @property
    def may_start(self) -> bool:
        """Tell whether commands may start a supervisor."""

    def supervisor_lives(self, identity: ProcessIdentity) -> bool:
        """Tell whether the supervisor that is in office lives."""

    def process_lives(self, identity: ProcessIdentity) -> bool:
        """Tell whether a job process lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole store at a glance."""

    stats: Stats
    figures: Figures
    office: Office


class Lookout:
    """Looks at a store, and at the machine if there is a witness; changes nothing."""

    def __init__(self, store: Jobs, places: Places, witness: Witness | None) -> None:
        self._store = store
        self._places = places
        self._witness = witness

    def prospects(self, job: Job, details: Details) -> Prospects:
        """Return what decides whether and when a job goes on."""
        from outlast.codecheck import code_fault

        runs_again = job.status in (Status.QUEUED, Status.WAITING, Status.FAILED) and job.spec.target
        alike = None
        if job.status is Status.FAILED:
            alike = self._store.failure(error_group(job.error or ""), since_seconds=None)
        return Prospects(
            now=self._store.now(),
            office=self.office(),
            process_lives=self._process_lives(job, details),
            ahead=self._store.ahead_of(job) if job.status is Status.QUEUED else None,
            running=self._store.count(_RUNNING),
            code_fault=code_fault(job.spec, details.args) if runs_again else "",
            alike=alike,
            has_log=self._places.log(job.id).exists(),
        )

    def office(self) -> Office:
        """Return who supervises the store, and whether that process lives."""
        identity = self._store.supervisor()
        may_start = self._witness is None or self._witness.may_start
        if identity is None:
            return Office(lives=False, may_start=may_start)
        lives = self._witness is None or self._witness.supervisor_lives(identity)
        return Office(lives=lives, may_start=may_start, pid=identity.pid, since=self._store.supervisor_since())

    def _process_lives(self, job: Job, details: Details) -> bool | None:
        if job.status is not Status.RUNNING or self._witness is None:
            return None
        return details.process is not None and self._witness.process_lives(details.process)

    def overview(self) -> Overview:
        """Return the counts and figures of the store, and who supervises it."""
        return Overview(
            stats=self._store.stats(),
            figures=self._store.figures(hours=HOURS, days=DAYS, newest=NEWEST_OF_KIND),
            office=self.office(),
        )

    def failures(self, since_seconds: float | None = None, limit: int = 20) -> Failures:
        """Return the groups with the newest failures. Raise UsageError for a limit that is none."""
        if not 1 <= limit <= 10_000:
            raise UsageError(f"{limit} is no number of groups.", "Use 1 to 10000.")
        return self._store.failures(since_seconds=since_seconds, limit=limit)

    def failure(self, text: str, since_seconds: float | None = None) -> FailureGroup:
        """Return the group that a person means by its code, the first characters of it, or its error.

        Raise NotFound, or UsageError if several are meant.
        """
        names = self._named(text)
        if len(names) > 1:
            codes = ", ".join(sorted(group_code(name) for name in names)[:5])
            raise UsageError(f"{text!r:.80} means several groups: {codes}.", "Type more of the code.")
        found = self._store.failure(names[0], since_seconds=since_seconds) if names else None
        if found is None:
            raise NotFound(f"There is no group of failures {text!r:.120}.", "outlast failures shows what there is.")
        return found

    def _named(self, text: str) -> list[str]:
        names = self._store.failure_names()
        if text in names or error_group(text) in names:
            return [text if text in names else error_group(text)]
        return [name for name in names if len(text) >= LEAST_CODE and group_code(name).startswith(text)]

    def failed_jobs(self, group: FailureGroup, since_seconds: float | None = None) -> Iterator[Job]:
        """Yield the jobs of a group that are still there, the newest failure first."""
        before: tuple[int, int] | None = None
        while jobs := self._store.failed_jobs(group.group, since_seconds=since_seconds, before=before, limit=PAGE):
            yield from jobs
            before = (jobs[-1].completed_at or 0, jobs[-1].seq)


def nothing(*, may_start: bool) -> Overview:
    """Return the overview of a store that does not exist yet."""
    return Overview(
        stats=Stats(by_status={}, by_kind={}, oldest_queued_at=None),
        figures=Figures(hours=(), days=(), durations=(), waiting={}, next_wake_at=None, store_bytes=0),
        office=Office(lives=False, may_start=may_start),
    )
