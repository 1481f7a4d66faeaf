"""Schedules in the store; every method is a sentence of `core.ports.Schedules` or `core.ports.Supervision`."""

import json

from outlast.core.errors import KeyConflict
from outlast.core.job import Event, NewJob, Submitted
from outlast.core.moments import Moment, to_iso
from outlast.core.schedules import (
    CLOCK_WENT_BACK_MS,
    CatchUp,
    Firing,
    Overlap,
    Schedule,
    Scheduled,
    Timetable,
    job_due,
)
from outlast.storage.sqlite import submission
from outlast.storage.sqlite.connection import Row
from outlast.storage.sqlite.questions import SqliteQuestions
from outlast.storage.sqlite.rows import labels_to_json

_DUE = "schedules INDEXED BY schedules_due WHERE paused = 0 AND next_at IS NOT NULL"
_SET_BACK = "schedules INDEXED BY schedules_settled WHERE paused = 0 AND next_at > settled_to"
_COLUMNS = (
    "name, spec_id, args, account, labels, queue, priority, rule, timezone, catch_up, overlap, actor, paused, next_at,"
    " settled_to, last_job_id, skipped, created_at, revision"
)
_SELECT = f"SELECT {_COLUMNS} FROM schedules"
_SELECT_DUE = (
    f"{_SELECT} WHERE name IN (SELECT name FROM {_DUE} AND next_at <= ?1) OR name IN (SELECT name FROM {_SET_BACK}"
    " AND settled_to > ?2) ORDER BY next_at, name LIMIT ?3"
)
_PUT = (
    f"INSERT INTO schedules ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, NULL, 0, ?, 1)"
    " ON CONFLICT (name) DO UPDATE SET spec_id = excluded.spec_id, args = excluded.args, account = excluded.account,"
    " labels = excluded.labels, queue = excluded.queue, priority = excluded.priority, rule = excluded.rule,"
    " timezone = excluded.timezone, catch_up = excluded.catch_up, overlap = excluded.overlap, actor = excluded.actor,"
    " settled_to = max(settled_to, excluded.settled_to), revision = revision + 1,"
    " next_at = CASE WHEN rule = excluded.rule AND timezone = excluded.timezone AND next_at IS NOT NULL"
    " THEN next_at ELSE excluded.next_at END"
)
_RESUME = (
    "UPDATE schedules SET paused = 0, next_at = ?, settled_to = max(settled_to, ?), skipped = 0,"
    " revision = revision + 1 WHERE name = ? AND paused = 1"
)
_FIRE = (
    "UPDATE schedules SET next_at = ?, settled_to = max(settled_to, ?), last_job_id = coalesce(?, last_job_id),"
    " skipped = CASE WHEN ? THEN skipped + 1 WHEN ? THEN 0 ELSE skipped END, revision = revision + 1"
    " WHERE name = ? AND revision = ?"
)


class SqliteSchedules(SqliteQuestions):
    """The store as clients with schedules see it."""

    def put_schedule(self, schedule: Schedule, next_at: Moment | None) -> bool:
        table, now = schedule.timetable, self.now()
        with self._database.write("put_schedule"):
            is_new = self.schedule(schedule.name) is None
            spec = self._specs.row_of(schedule.spec)
            labels = labels_to_json(schedule.labels)
            what = (schedule.name, spec, schedule.args, schedule.account, labels, schedule.queue, schedule.priority)
            when = (table.rule, table.timezone, str(table.catch_up), str(table.overlap))
            self._database.execute(_PUT, (*what, *when, schedule.actor, next_at, now, now))
            return is_new

    def schedules(self) -> list[Scheduled]:
        return self._scheduled(f"{_SELECT} ORDER BY name", ())

    def schedule(self, name: str) -> Scheduled | None:
        found = self._scheduled(f"{_SELECT} WHERE name = ?", (name,))
        return found[0] if found else None

    def remove_schedule(self, name: str) -> bool:
        with self._database.write("remove_schedule"):
            return bool(self._database.change("DELETE FROM schedules WHERE name = ?", (name,)))

    def pause_schedule(self, name: str) -> bool:
        with self._database.write("pause_schedule"):
            sql = "UPDATE schedules SET paused = 1, revision = revision + 1 WHERE name = ?"
            return bool(self._database.change(sql, (name,)))

    def resume_schedule(self, name: str, next_at: Moment | None) -> bool:
        with self._database.write("resume_schedule"):
            self._database.change(_RESUME, (next_at, self.now(), name))
            return self.schedule(name) is not None

    def submit_scheduled(self, name: str, job: NewJob) -> Submitted:
        with self._database.write("submit_scheduled"):
            [answer] = submission.submit(self._database, self._specs, [job], self.now())
            sql = "UPDATE schedules SET last_job_id = ?, revision = revision + 1 WHERE name = ?"
            self._database.change(sql, (answer.job_id, name))
            return answer

    def due_schedules(self, limit: int) -> list[Scheduled]:
        now = self.now()
        return self._scheduled(_SELECT_DUE, (now, now + CLOCK_WENT_BACK_MS, limit))

    def fire_schedule(self, before: Scheduled, firing: Firing) -> list[Submitted]:
        name, now = before.schedule.name, self.now()
        with self._database.write("fire_schedule"):
            found = self._database.execute("SELECT revision FROM schedules WHERE name = ?", (name,))
            if found != [(before.revision,)]:
                return []
            answers = [self._submit_due(before.schedule, due, now) for due in firing.times]
            added = [answer for answer in answers if answer.created]
            last = added[-1].job_id if added else None
            row = (firing.next_at, now, last, firing.overlaps, bool(added), name, before.revision)
            self._database.execute(_FIRE, row)
            if firing.overlaps and not before.skipped:
                self._note_overlap(before, now)
            return added

    def _submit_due(self, schedule: Schedule, due: Moment, now: Moment) -> Submitted:
        job = job_due(schedule, due)
        if self.get(job.id) is not None or self.removed(job.id) is not None:
            return Submitted(job_id=job.id, created=False)
        try:
            return submission.submit(self._database, self._specs, [job], now)[0]
        except KeyConflict:  # the due time had its job, under other rules
            return Submitted(job_id=job.id, created=False)

    def _note_overlap(self, before: Scheduled, now: Moment) -> None:
        job = None if before.last_job_id is None else self.get(before.last_job_id)
        if job is not None:
            detail = {"schedule": before.schedule.name, "due": to_iso(before.next_at or now)}
            event = Event(event="overlap skipped", actor=f"schedule:{before.schedule.name}", detail=detail)
            self._note(job.seq, event, attempt=job.attempt, now=now)

    def _next_schedule_at(self, now: Moment) -> Moment | None:
        """Return when the next schedule is due; now, if the clock went back behind what one has settled."""
        sql = f"SELECT 1 FROM {_SET_BACK} AND settled_to > ? LIMIT 1"
        if self._database.execute(sql, (now + CLOCK_WENT_BACK_MS,)):
            return now
        first: Moment | None = self._database.execute(f"SELECT min(next_at) FROM {_DUE}")[0][0]
        return first

    def _scheduled(self, sql: str, parameters: tuple[object, ...]) -> list[Scheduled]:
        found = self._database.execute(sql, parameters)
        with self._sound():
            return [self._scheduled_of(row) for row in found]

    def _scheduled_of(self, row: Row) -> Scheduled:
        table = Timetable(rule=row[7], timezone=row[8], catch_up=CatchUp(row[9]), overlap=Overlap(row[10]))
        schedule = Schedule(
            name=row[0],
            timetable=table,
            spec=self._specs.of_row(row[1]),
            args=row[2],
            account=row[3],
            labels={} if row[4] is None else json.loads(row[4]),
            queue=row[5],
            priority=row[6],
            actor=row[11],
        )
        return Scheduled(
            schedule=schedule,
            paused=bool(row[12]),
            next_at=row[13],
            settled_to=row[14],
            last_job_id=row[15],
            skipped=row[16],
            created_at=row[17],
            revision=row[18],
        )
