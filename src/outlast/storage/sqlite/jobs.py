"""What clients and the supervisor do with jobs; every method is a sentence of `core.ports.Jobs`."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from outlast.core.endcalls import end_call, is_end_call
from outlast.core.errors import StoreReadOnly
from outlast.core.ids import split_id
from outlast.core.job import Details, Event, Job, NewJob, ProcessIdentity, Stats, Step, Submitted
from outlast.core.moments import Moment
from outlast.core.pages import Stretch
from outlast.core.query import Query
from outlast.core.status import Intent, Status
from outlast.storage.sqlite import failures, removal, rows, schema, submission
from outlast.storage.sqlite.connection import Database
from outlast.storage.sqlite.events import add_event
from outlast.storage.sqlite.filters import Search
from outlast.storage.sqlite.firstjobs import add_first_jobs
from outlast.storage.sqlite.published import Mark, Published, newest, published
from outlast.storage.sqlite.swaps import Outcome, swap

if TYPE_CHECKING:
    from outlast.core.figures import FailureGroup, Failures, Figures, Removed
    from outlast.storage.sqlite.failuregroups import FailureGroups

_COUNTS = (
    "SELECT kind, status, count(*) FROM jobs INDEXED BY jobs_finished WHERE completed_at IS NOT NULL GROUP BY 1, 2"
    " UNION ALL SELECT kind, status, count(*) FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL"
    " GROUP BY 1, 2"
)
_OLDEST_QUEUED = (
    "SELECT min(created_at) FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL AND status = 'queued'"
)
_NEXT_WAKE = (
    "SELECT min(wake_at) FROM jobs INDEXED BY jobs_wake"
    " WHERE status = 'waiting' AND wake_at IS NOT NULL AND reason <> 'paused'"
)
_ARGS = "SELECT coalesce(j.args, i.args) FROM jobs j LEFT JOIN inputs i ON i.seq = j.seq WHERE j.seq = ?"
_HAS_WORK = (
    "SELECT EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL AND status = 'queued')"
    " OR EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_unfinished WHERE completed_at IS NULL AND status = 'running')"
    " OR EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_wake"
    " WHERE status = 'waiting' AND wake_at IS NOT NULL AND reason <> 'paused')"
    " OR EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_gauge"
    " WHERE gauge IS NOT NULL AND status = 'waiting' AND reason = 'condition')"
    " OR EXISTS (SELECT 1 FROM schedules INDEXED BY schedules_due WHERE paused = 0 AND next_at IS NOT NULL)"
)
_HAS_WORK_IN = _HAS_WORK.replace(" WHERE ", " WHERE queue IN (SELECT value FROM json_each(?1)) AND ")
_KEPT_PAGES = 64
"""So much free space stays in the file: what comes and goes every minute need not make it shrink and grow."""
_ASK = (
    "UPDATE jobs SET intent = CASE WHEN intent = 'cancel' THEN intent ELSE ? END, intent_actor = ?, updated_at = ?"
    " WHERE seq = ? AND id = ? AND status = 'running' AND attempt = ?"
)
_UNREAD = (
    "SELECT seq FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND completed_at IS NOT NULL AND read_at IS NULL"
)
_LEAST_RANDOM_DIGITS = 4
_PLAIN_END = "completed"
_LAST_MOMENT = 2**62
"""Later than any job ends."""


def system_clock() -> Moment:
    """Return the time of this machine."""
    return time.time_ns() // 1_000_000


class SqliteJobs:
    """The store as its clients see it; see `core.ports.Jobs`."""

    def __init__(self, path: Path, *, clock: Callable[[], Moment] = system_clock) -> None:
        """Name the file of the store; it is opened, and if need be made, at the first use."""
        self._clock = clock
        self._first_jobs: Callable[[Moment], Sequence[Job]] | None = None
        self._database = Database(Path(path).absolute(), self._prepare)
        self._specs = rows.Specs(self._database)
        self._removal = removal.Removal(self._database, self._specs)

    @property
    def path(self) -> Path:
        """The file of the store."""
        return self._database.path

    @property
    def database(self) -> Database:
        """The file itself, for what reads or writes it as a whole."""
        return self._database

    def batch(self, *, flush: bool = True) -> AbstractContextManager[None]:
        return self._database.batch(flush=flush)

    def now(self) -> Moment:
        return self._clock()

    def submit(self, jobs: Sequence[NewJob]) -> list[Submitted]:
        if not jobs:
            return []
        with self._database.write("submit"):
            return submission.submit(self._database, self._specs, jobs, self.now())

    def get(self, job_id: str) -> Job | None:
        found = self._jobs("WHERE j.id = ?", (job_id,)) if _is_text(job_id) else []
        return found[0] if found else None

    def find(self, text: str, limit: int) -> list[Job]:
        if not _is_text(text) or limit < 1:
            return []
        return (
            self._jobs("WHERE j.id = ?", (text,))
            or self._jobs("WHERE j.key = ?", (text,))
            or self._by_random_part(text, limit)
        )

    def _by_random_part(self, text: str, limit: int) -> list[Job]:
        if len(text) < _LEAST_RANDOM_DIGITS or text.strip("0123456789abcdef"):
            return []
        # The unique index holds every id, so the rows themselves are not read.
        pattern = f"*_{text}" + "?" * (16 - len(text))
        found = self._database.execute("SELECT id FROM jobs WHERE id GLOB ?", (pattern,))
        ids = [job_id for (job_id,) in found if split_id(job_id) is not None]
        listed = "WHERE j.id IN (SELECT value FROM json_each(?)) ORDER BY j.seq DESC LIMIT ?"
        return self._jobs(listed, (json.dumps(ids), limit))

    def last_of(self, actor: str) -> Job | None:
        found = self._jobs("WHERE j.actor = ? ORDER BY j.seq DESC LIMIT 1", (actor,))
        return found[0] if found else None

    def page(self, query: Query, *, before: int | None, limit: int) -> Stretch:
        with self._database.read():
            search = Search(query, now=self.now(), before=before, kinds=self._kinds)
            bound = search.floor()
            floor = bound and self._database.execute(*bound)[0][0]
            seqs, parameters = search.seqs(limit, floor)
            jobs = self._jobs(f"WHERE j.seq IN (SELECT seq FROM ({seqs})) ORDER BY j.seq DESC", parameters)
        return Stretch(jobs, jobs[-1].seq if len(jobs) == limit else floor)

    def _kinds(self) -> list[str]:
        from outlast.storage.sqlite import figures

        return [name for (name,) in self._database.execute(figures.FINISHED_KINDS)]

    def details(self, job: Job) -> Details:
        with self._database.read():
            return self._details(job)

    def _details(self, job: Job) -> Details:
        found = self._database.execute(_ARGS, (job.seq,))
        cursor = self._database.execute("SELECT cursor FROM checkpoints WHERE seq = ?", (job.seq,))
        failure = self._database.execute("SELECT traceback FROM results WHERE seq = ?", (job.seq,))
        sql = f"SELECT {rows.IDENTITY} FROM processes WHERE id = ?"
        process = rows.identities(self._database.execute(sql, (job.process_id,)))
        with self._sound():
            args = rows.json_text(found[0][0] if found else None)
            if args is None and found and job.spec.target:
                raise ValueError(f"the arguments of {job.id} are missing")
            at = rows.json_text(cursor[0][0] if cursor else None)
        return Details(
            args="" if not found else args or "null",
            cursor=at,
            traceback=failure[0][0] if failure else None,
            steps=tuple(self._steps(job.seq, after=0, limit=-1)),
            events=tuple(self._events(job)),
            process=process[0] if process else None,
        )

    def _steps(self, seq: int, *, after: int, limit: int) -> list[Step]:
        sql = (
            "SELECT name, kind, result, duration_ms, attempt, saved_at FROM steps"
            " WHERE seq = ? AND n > ? ORDER BY n LIMIT ?"
        )
        with self._sound():
            return [rows.step_of(row) for row in self._database.execute(sql, (seq, after, limit))]

    def _events(self, job: Job) -> Iterator[Event]:
        # The first event, and an end of which nothing is to be told, cost no row: they are in the job.
        yield Event(event="submitted" if job.spec.target else "imported", actor=job.actor, at=job.created_at)
        sql = "SELECT event, actor, attempt, at, detail FROM events WHERE seq = ? ORDER BY n"
        with self._sound():
            events = [rows.event_of(row) for row in self._database.execute(sql, (job.seq,))]
        yield from events
        if job.status is Status.COMPLETED and job.spec.target and not any(_is_plain_end(event) for event in events):
            yield Event(event=_PLAIN_END, attempt=job.attempt, at=job.completed_at or job.updated_at)

    def swap(self, before: Job, after: Job, event: Event, *, result: str | None = None, traceback: str = "") -> None:
        now = self.now()
        if after.status is Status.COMPLETED and is_end_call(after):
            after = after._replace(read_at=now)  # nobody will come to read it, and it is worth nothing any more
        with self._database.write("swap"):
            swap(self._database, before, after, Outcome(result=result, traceback=traceback), now)
            if not (_is_plain_end(event) and not event.detail and not event.actor):
                self._note(before.seq, event, attempt=after.attempt, now=now)
            if after.status.is_end and before.spec.policy.on_end and (ended := self.get(before.id)) is not None:
                submission.submit(self._database, self._specs, [end_call(ended, os.urandom(8), now)], now)

    def replace_cursor(self, job: Job, cursor: str) -> None:
        with self._database.write("replace_cursor"):
            self._database.execute("UPDATE checkpoints SET cursor = ? WHERE seq = ?", (cursor, job.seq))

    def ask(self, job: Job, intent: Intent, actor: str) -> bool:
        now = self.now()
        with self._database.write("ask"):
            if not self._database.change(_ASK, (intent, actor, now, job.seq, job.id, job.attempt)):
                return False
            self._note(job.seq, Event(event=f"{intent} asked", actor=actor), attempt=job.attempt, now=now)
            return True

    def mark_read(self, job_ids: Sequence[str]) -> None:
        ids = (json.dumps([job_id for job_id in job_ids if _is_text(job_id)]),)
        if not self._database.execute(f"{_UNREAD} LIMIT 1", ids):
            return
        # Nothing is removed from a store that cannot be written, so there is no need to note it there.
        with suppress(StoreReadOnly), self._database.write("mark_read"):
            self._database.execute(f"UPDATE jobs SET read_at = ? WHERE seq IN ({_UNREAD})", (self.now(), *ids))

    def remove(self, job: Job, actor: str) -> None:
        with self._database.write("remove"), self._sound():
            self._removal.remove(job, actor, self.now())

    def prune(self, *, older_than_seconds: float, limit: int, read: bool | None = None) -> list[str]:
        now = self.now()
        cutoff = now - round(older_than_seconds * 1000)
        if not self._removal.old_ends(cutoff, read, 1, now):
            return []
        with self._database.write("prune"), self._sound():
            return self._removal.prune(cutoff, read, limit, now)

    def give_back(self, pages: int) -> bool:
        free = int(self._database.execute("PRAGMA freelist_count")[0][0]) - _KEPT_PAGES
        if free <= 0:
            return False
        self._database.between_transactions(f"PRAGMA incremental_vacuum({min(free, pages)})")
        return free > pages

    def forget(self, *, older_than_seconds: float, limit: int) -> int:
        cutoff = self.now() - round(older_than_seconds * 1000)
        if not self._database.execute(removal.FORGOTTEN, (cutoff,)):
            return 0
        with self._database.write("forget"), self._sound():
            return self._removal.history.forget(cutoff, limit)

    def removed(self, text: str) -> "Removed | None":
        with self._database.read(), self._sound():
            return self._removal.removed(text)

    def stats(self) -> Stats:
        by_kind: dict[str, dict[Status, int]] = {}
        by_status = dict.fromkeys(Status, 0)
        with self._database.read(), self._sound():
            for kind, word, count in self._database.execute(_COUNTS):
                counts = by_kind.setdefault(kind, {})
                counts[Status(word)] = count
                by_status[Status(word)] += count
            oldest = self._database.execute(_OLDEST_QUEUED)
        return Stats(by_status=by_status, by_kind=by_kind, oldest_queued_at=oldest[0][0])

    def figures(self, *, hours: int, days: int, newest: int) -> "Figures":
        from outlast.core.figures import Figures
        from outlast.storage.sqlite import figures

        now, past = self.now(), self._removal.history
        with self._database.read(), self._sound():
            ends = past.ends()
            return Figures(
                hours=figures.spans(self._database, ends, now, hours=1, count=hours),
                days=figures.spans(self._database, ends, now, hours=24, count=days),
                durations=figures.durations(self._database, past, newest),
                waiting=figures.waiting(self._database),
                next_wake_at=self._database.execute(_NEXT_WAKE)[0][0],
                store_bytes=figures.size_of([str(self.path), f"{self.path}-wal"]),
            )

    def failures(self, *, since_seconds: float | None, limit: int) -> "Failures":
        with self._database.read(), self._sound():
            return self._groups().groups(since=self._since(since_seconds), limit=limit)

    def failure(self, group: str, *, since_seconds: float | None) -> "FailureGroup | None":
        with self._database.read(), self._sound():
            return self._groups().group(group, since=self._since(since_seconds))

    def failure_names(self) -> list[str]:
        with self._database.read(), self._sound():
            return self._groups().names()

    def _groups(self) -> "FailureGroups":
        from outlast.storage.sqlite.failuregroups import FailureGroups

        return FailureGroups(self._database, self._removal.history)

    def failed_jobs(
        self, group: str, *, since_seconds: float | None, before: tuple[Moment, int] | None, limit: int
    ) -> list[Job]:
        from outlast.storage.sqlite import failuregroups

        if limit < 1:
            return []
        with self._database.read():
            edge = before if before is not None else (_LAST_MOMENT, 0)
            found = self._database.execute(failuregroups.PAGE, (group, self._since(since_seconds), *edge, limit))
            places = {seq: place for place, (seq,) in enumerate(found)}
            jobs = self._jobs("WHERE j.seq IN (SELECT value FROM json_each(?))", (json.dumps(list(places)),))
            return sorted(jobs, key=lambda job: places[job.seq])

    def _since(self, seconds: float | None) -> Moment:
        return 0 if seconds is None else self.now() - round(seconds * 1000)

    def count(self, query: Query) -> int:
        with self._database.read():
            return int(self._database.execute(*Search(query, now=self.now(), kinds=self._kinds).count())[0][0])

    def ahead_of(self, job: Job) -> int:
        from outlast.storage.sqlite import figures

        return figures.ahead_of(self._database, job)

    def supervisor_since(self) -> Moment | None:
        found = self._database.execute("SELECT since FROM supervisors")
        return found[0][0] if found else None

    def supervisor(self) -> ProcessIdentity | None:
        found = rows.identities(self._database.execute(f"SELECT {rows.IDENTITY} FROM supervisors"))
        return found[0] if found else None

    def has_work(self, queues: Sequence[str] = ()) -> bool:
        if not queues:
            return bool(self._database.execute(_HAS_WORK)[0][0])
        return bool(self._database.execute(_HAS_WORK_IN, (json.dumps(list(queues)),))[0][0])

    def changes(self) -> int:
        return self._database.version()

    def begin_with(self, first_jobs: Callable[[Moment], Sequence[Job]]) -> None:
        """If the store is new, begin with these jobs: they are asked for, and added, while its tables are made."""
        self._first_jobs = first_jobs

    def newest(self, limit: int) -> list[tuple[int, Mark | None]]:
        """Return `seq` of the newest jobs; for a finished one also a mark that changes when the job does."""
        return newest(self._database, limit)

    def published(self, seqs: Sequence[int]) -> list[Published]:
        """Return these jobs as jobs.json shows them, those that are gone left out, in no order."""
        with self._sound():
            return published(self._database, self._specs, seqs)

    def check(self) -> list[str]:
        """Return what is wrong with the file, one line each; nothing if it is sound."""
        with self._database.read():
            found = [str(row[0]) for row in self._database.execute("PRAGMA integrity_check(20)")]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        self._database.close()

    def _jobs(self, where: str, parameters: Sequence[object]) -> list[Job]:
        """Return the jobs of a WHERE on SELECT_JOB."""
        found = self._database.execute(f"{rows.SELECT_JOB} {where}", parameters)
        with self._sound():
            return [rows.job_of(row, self._specs) for row in found]

    def _sound(self) -> AbstractContextManager[None]:
        """Call a row that cannot be understood what it is: damage."""
        return failures.readable(self.path)

    def _prepare(self, connection: apsw.Connection) -> None:
        connection.create_scalar_function("casefold", _casefold, 1, deterministic=True)
        schema.prepare(connection, self.path, self._fill)

    def _fill(self, connection: apsw.Connection) -> None:
        now = self.now()
        if self._first_jobs is not None:
            add_first_jobs(connection, self._first_jobs(now), now)

    def _note(self, seq: int, event: Event, *, attempt: int, now: Moment) -> None:
        add_event(self._database, seq, event, attempt=attempt, now=now)


def _casefold(*values: Any) -> Any:
    return values[0].casefold() if isinstance(values[0], str) else None


def _is_plain_end(event: Event) -> bool:
    return event.event == _PLAIN_END


def _is_text(text: str) -> bool:
    """Tell whether the store can hold a text at all; it holds none with lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
