"""What the library needs of a store, over the store itself or over the line of a job process."""

import builtins
from collections.abc import Callable, Sequence
from time import time
from typing import Any, ParamSpec, Protocol, TypeVar

from outlast.core.errors import Refused, UsageError, WaitTimeout
from outlast.core.job import NewJob
from outlast.core.query import parse_query
from outlast.core.schedules import Schedule, schedule_object
from outlast.core.status import ENDS
from outlast.core.view import job_object
from outlast.engine.jobside import current
from outlast.joblog import JobLog
from outlast.service import Service

P = ParamSpec("P")
T = TypeVar("T")
CHILD_SECONDS = 2.5
"""How often a job that waits for another one is woken to look."""
LONGEST_LOG = 1_000_000


class Backend(Protocol):
    """What the library needs of a store: over a file, or over the line of a job process."""

    def submit(self, jobs: Sequence[NewJob]) -> list[str]:
        """Store the jobs, all or none; return their ids (the known one for a known key)."""

    def view(self, job_id: str) -> dict[str, Any]:
        """Return the job object. Raise NotFound."""

    def find(self, text: str) -> dict[str, Any]:
        """Return the job object of the job a person means. Raise NotFound or UsageError."""

    def list(self, query: str, cursor: str | None, limit: int) -> dict[str, Any]:
        """Return `{"jobs": […], "next_cursor": …}`."""

    def act(self, verb: str, job_id: str) -> dict[str, Any]:
        """Cancel, pause, resume, retry or remove; return the job object as it is then."""

    def prune(self, older_than_seconds: float) -> int:
        """Remove finished jobs that ended longer ago; return how many."""

    def stats(self) -> dict[str, Any]:
        """Return the counts."""

    def logs(self, job_id: str) -> str:
        """Return the job's output."""

    def timezone(self) -> str:
        """Return the time zone of schedules that name none."""

    def put_schedule(self, schedule: Schedule, *, named: bool) -> dict[str, Any]:
        """Add or change a schedule (`named` by somebody, or after its function); return its object. Raise Conflict."""

    def schedules(self) -> builtins.list[dict[str, Any]]:
        """Return the objects of all schedules."""

    def act_on_schedule(self, verb: str, name: str) -> dict[str, Any]:
        """Remove, pause, resume or run-now; return the object of the schedule as it is then. Raise NotFound."""

    def wait(self, job_id: str, timeout: float | None) -> dict[str, Any]:
        """Return the job object once the job has ended. Raise WaitTimeout."""

    def close(self) -> None:
        """Let go."""


class ServiceBackend:
    """The store itself."""

    def __init__(self, service: Service, timezone: Callable[[], str] = lambda: "UTC") -> None:
        self._service = service
        self._timezone = timezone

    def submit(self, jobs: Sequence[NewJob]) -> list[str]:
        return [answer.job_id for answer in self._service.submit(jobs)]

    def view(self, job_id: str) -> dict[str, Any]:
        job = self._service.get(job_id)
        self._service.mark_read([job])
        return job_object(job)

    def find(self, text: str) -> dict[str, Any]:
        return job_object(self._service.find(text))

    def list(self, query: str, cursor: str | None, limit: int) -> dict[str, Any]:
        page = self._service.page(parse_query(query), cursor=cursor, limit=limit)
        return {"jobs": [job_object(job) for job in page.jobs], "next_cursor": page.next_cursor}

    def act(self, verb: str, job_id: str) -> dict[str, Any]:
        job = self._service.get(job_id)
        if verb == "remove":
            self._service.remove(job)
            return job_object(job)
        verbs = {
            "cancel": self._service.cancel,
            "pause": self._service.pause,
            "resume": self._service.resume,
            "retry": self._service.retry,
        }
        if verb not in verbs:
            raise UsageError(f"{verb!r} is nothing that can be done with a job.", f"Use {', '.join(verbs)} or remove.")
        return job_object(verbs[verb](job))

    def prune(self, older_than_seconds: float) -> int:
        return self._service.prune(older_than_seconds)

    def stats(self) -> dict[str, Any]:
        stats = self._service.stats()
        by_kind = {kind: {str(status): n for status, n in counts.items()} for kind, counts in stats.by_kind.items()}
        return {"by_status": {str(status): n for status, n in stats.by_status.items()}, "by_kind": by_kind}

    def logs(self, job_id: str) -> str:
        log = JobLog(self._service.places, self._service.get(job_id).id)
        return log.tail(LONGEST_LOG).decode("utf-8", "replace")

    def timezone(self) -> str:
        return self._timezone()

    def put_schedule(self, schedule: Schedule, *, named: bool) -> dict[str, Any]:
        self._service.put_schedule(schedule, named=named)
        return self._schedule(schedule.name)

    def schedules(self) -> builtins.list[dict[str, Any]]:
        now = self._service.store.now()
        return [schedule_object(found, last, now) for found, last in self._service.schedules()]

    def act_on_schedule(self, verb: str, name: str) -> dict[str, Any]:
        if verb == "remove":
            before = self._schedule(name)
            self._service.remove_schedule(name)
            return before
        verbs: dict[str, Callable[[str], object]] = {
            "pause": self._service.pause_schedule,
            "resume": self._service.resume_schedule,
            "run-now": self._service.run_schedule_now,
        }
        verbs[verb](name)
        return self._schedule(name)

    def _schedule(self, name: str) -> dict[str, Any]:
        found = self._service.schedule(name)
        return schedule_object(found, self._service.last_of_schedule(found), self._service.store.now())

    def wait(self, job_id: str, timeout: float | None) -> dict[str, Any]:
        return job_object(self._service.wait([job_id], timeout)[0])

    def close(self) -> None:
        self._service.close()


class JobBackend:
    """The store as a running job sees it: through the supervisor, never by itself."""

    def submit(self, jobs: Sequence[NewJob]) -> list[str]:
        return list(self._call("submit", jobs=[job.as_object() for job in jobs]))

    def view(self, job_id: str) -> dict[str, Any]:
        return dict(self._call("view", job_id=job_id))

    def find(self, text: str) -> dict[str, Any]:
        return dict(self._call("find", text=text))

    def list(self, query: str, cursor: str | None, limit: int) -> dict[str, Any]:
        return dict(self._call("list", query=query, cursor=cursor, limit=limit))

    def act(self, verb: str, job_id: str) -> dict[str, Any]:
        return dict(self._call("act", verb=verb, job_id=job_id))

    def prune(self, older_than_seconds: float) -> int:
        return int(self._call("prune", older_than_seconds=older_than_seconds))

    def stats(self) -> dict[str, Any]:
        return dict(self._call("stats"))

    def logs(self, job_id: str) -> str:
        return str(self._call("logs", job_id=job_id))

    def timezone(self) -> str:
        raise _no_schedules()

    def put_schedule(self, schedule: Schedule, *, named: bool) -> dict[str, Any]:
        raise _no_schedules()

    def schedules(self) -> builtins.list[dict[str, Any]]:
        raise _no_schedules()

    def act_on_schedule(self, verb: str, name: str) -> dict[str, Any]:
        raise _no_schedules()

    def wait(self, job_id: str, timeout: float | None) -> dict[str, Any]:
        context = current.context
        if context is None:
            raise Refused("Only a running job can wait for another one here.", "Call it inside the job.")
        until = None if timeout is None else context.step(context.name_for("deadline"), lambda: time() + timeout)

        def has_ended() -> bool:
            if until is not None and time() >= until:
                raise WaitTimeout(f"{job_id} has not ended yet; it goes on.")
            return self.view(job_id)["status"] in ENDS

        context.wait(until=has_ended, every=CHILD_SECONDS, waits_for=job_id)
        return self.view(job_id)

    def close(self) -> None:
        """Do nothing: the line belongs to the job process."""

    def _call(self, method: str, **params: Any) -> Any:
        assert current.channel is not None
        return current.channel.request({"op": "call", "method": method, "params": params})["value"]


def _no_schedules() -> Refused:
    return Refused(
        "A running job cannot see or change schedules.", "Use the library or outlast schedule outside of it."
    )


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a blocking call returns, without blocking the event loop."""
    from asyncio import to_thread  # here only: it is more than all that jobs load with this module

    return await to_thread(call, *args, **kwargs)
