"""The library: submit jobs, look at them, wait for them. Inside a job the same calls go through its supervisor."""

import builtins
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any, Literal

from outlast.backends import Backend, JobBackend, in_thread
from outlast.core.codec import encode
from outlast.core.durations import parse_duration
from outlast.core.endcalls import check_on_end
from outlast.core.errors import JobCancelled, JobFailed, Refused, UsageError
from outlast.core.ids import make_id
from outlast.core.job import Home, NewJob, Spec
from outlast.core.moments import Moment, from_datetime, from_iso
from outlast.engine.jobside import current, target
from outlast.functions import as_function, home_of_this_process, with_policy

LONGEST_NAME = 500


class Handle:
    """A submitted job."""

    def __init__(self, backend: Backend, job_id: str) -> None:
        self._backend = backend
        self.id = job_id

    def __repr__(self) -> str:
        return f"<Handle {self.id}>"

    def job(self) -> dict[str, Any]:
        """Return the job object as it is now."""
        return self._backend.view(self.id)

    def status(self) -> str:
        """Return the status as it is now."""
        return str(self.job()["status"])

    def wait(self, timeout: float | str | None = None) -> dict[str, Any]:
        """Return the job object once the job has ended. Raise WaitTimeout (a TimeoutError); the job goes on.

        Inside a job this gives the process back until the other job has ended.
        """
        return self._backend.wait(self.id, None if timeout is None else parse_duration(timeout))

    def result(self, timeout: float | str | None = None) -> Any:
        """Return the job's result once it has ended. Raise JobFailed, JobCancelled or WaitTimeout."""
        ended = self.wait(timeout)
        if ended["status"] == "failed":
            raise JobFailed(
                f"{self.id} failed ({ended['reason']}): {ended.get('error', '').rstrip('.')}.",
                f"outlast show {self.id} --verbose tells more.",
                job_id=self.id,
                reason=ended["reason"],
            )
        if ended["status"] == "cancelled":
            raise JobCancelled(f"{self.id} was cancelled.")
        return ended.get("result")

    def cancel(self) -> dict[str, Any]:
        """Ask for the end of the job; it is `cancelled` once its process is proven dead."""
        return self._backend.act("cancel", self.id)

    def pause(self) -> dict[str, Any]:
        """Keep the job from running until `resume`."""
        return self._backend.act("pause", self.id)

    def resume(self) -> dict[str, Any]:
        """Let a paused job run again."""
        return self._backend.act("resume", self.id)

    def retry(self) -> dict[str, Any]:
        """Put a failed or cancelled job back into the queue; finished steps are kept."""
        return self._backend.act("retry", self.id)

    def logs(self) -> str:
        """Return what the job wrote to stdout and stderr."""
        return self._backend.logs(self.id)

    async def wait_async(self, timeout: float | str | None = None) -> dict[str, Any]:
        """Return what `wait` returns, without blocking the event loop."""
        return await in_thread(self.wait, timeout)

    async def result_async(self, timeout: float | str | None = None) -> Any:
        """Return what `result` returns, without blocking the event loop."""
        return await in_thread(self.result, timeout)


class Outlast:
    """The jobs of one store. Without arguments: the store of the settings, or inside a job that of the job."""

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | None = None,
        store: str | None = None,
        *,
        backend: Backend | None = None,
    ) -> None:
        self._backend = backend or _backend(data_dir, store)

    def submit(
        self,
        fn: Callable[..., Any],
        *args: Any,
        key: str | None = None,
        account: str | None = None,
        labels: Mapping[str, str] | None = None,
        delay: float | str | None = None,
        at: datetime | str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        on_end: str | None = None,
        **kwargs: Any,
    ) -> Handle:
        """Store a job that calls `fn(*args, **kwargs)`; when this returns, it survives kill -9 and a power cut.

        `key`: the same key returns the existing job; with other arguments KeyConflict. `delay` (seconds or "10m") or
        `at` (aware datetime or ISO text): not before then. The larger `priority` first. `on_end`: a command or an
        https URL that is called with the job object at its end; "" for none. Arguments are JSON values, else
        NotStorable names the place; NotImportable if another process could not find the function.
        """
        function = as_function(fn)
        if on_end is not None:
            function = with_policy(function, on_end=check_on_end(on_end))
        function.check_arguments(args, kwargs)
        new = new_job(
            function.spec(_home()),
            encode({"args": args, "kwargs": kwargs}, "arguments"),
            key=key,
            account=account,
            labels=labels,
            delay=delay,
            at=at,
            queue=function.queue if queue is None else queue,
            priority=function.priority if priority is None else priority,
        )
        return self._handles([new])[0]

    def submit_many(self, fn: Callable[..., Any], calls: Iterable[Any]) -> builtins.list[Handle]:
        """Store one job a call in one transaction, all or none. A call is a tuple or list of arguments, or a dict of
        keyword arguments."""
        function = as_function(fn)
        spec = function.spec(_home())
        jobs = []
        for number, call in enumerate(calls):
            args, kwargs = _call_of(call)
            function.check_arguments(args, kwargs)
            text = encode({"args": args, "kwargs": kwargs}, f"call {number}")
            jobs.append(new_job(spec, text, queue=function.queue, priority=function.priority))
        return self._handles(jobs)

    def submit_spec(self, job: NewJob) -> Handle:
        """Store a job that is put together already."""
        return self._handles([job])[0]

    def schedule(
        self,
        fn: Callable[..., Any],
        rule: str | None = None,
        *,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        timezone: str | None = None,
        catch_up: Literal["skip", "once", "all"] | None = None,
        overlap: Literal["skip", "queue"] | None = None,
        account: str | None = None,
        labels: Mapping[str, str] | None = None,
        queue: str | None = None,
        priority: int | None = None,
    ) -> dict[str, Any]:
        """Keep a schedule that submits `fn(*args, **kwargs)` whenever the cron `rule` is due; return its object.

        What is left out is taken from `@job(schedule=…)`. `name` (default the kind): the same name changes the
        schedule; Conflict if it runs another function. `timezone`: an IANA name. `catch_up`: of missed times make up
        the last one (`once`), none or all. `overlap`: while its last job is unfinished, skip a time or queue it.
        """
        from outlast.scheduling import Wish, make_schedule

        wish = Wish(
            rule=rule,
            name=name,
            timezone=timezone,
            catch_up=catch_up,
            overlap=overlap,
            account=_name("account", account),
            labels=_labels(labels),
            queue=_name("queue", queue),
            priority=None if priority is None else _priority(priority),
        )
        _refuse_while_importing()
        return self._backend.put_schedule(
            make_schedule(fn, wish, zone=self._backend.timezone(), args=args, kwargs=kwargs), named=name is not None
        )

    def schedules(self) -> builtins.list[dict[str, Any]]:
        """Return the objects of all schedules, by name."""
        return self._backend.schedules()

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule; its jobs stay. Raise NotFound."""
        self._backend.act_on_schedule("remove", name)

    def pause_schedule(self, name: str) -> dict[str, Any]:
        """Let a schedule submit nothing until it is resumed."""
        return self._backend.act_on_schedule("pause", name)

    def resume_schedule(self, name: str) -> dict[str, Any]:
        """Let a paused schedule go on with its next due time; what was due meanwhile is not made up."""
        return self._backend.act_on_schedule("resume", name)

    def run_schedule_now(self, name: str) -> Handle:
        """Submit a job of the schedule at once, beside its due times."""
        return Handle(self._backend, self._backend.act_on_schedule("run-now", name)["last_job"]["job_id"])

    def get(self, job_id: str) -> Handle:
        """Return the handle of the job with exactly this id. Raise NotFound."""
        return Handle(self._backend, self._backend.view(job_id)["job_id"])

    def find(self, text: str) -> Handle:
        """Return the handle of the job with this id, key, or beginning of the id's random part. Raise NotFound."""
        return Handle(self._backend, self._backend.find(text)["job_id"])

    def list(self, query: str = "", *, limit: int = 50, cursor: str | None = None) -> dict[str, Any]:
        """Return `{"jobs": [job objects, newest first], "next_cursor": text or None}`."""
        return self._backend.list(query, cursor, limit)

    def count(self, query: str = "") -> int:
        """Return how many jobs match."""
        total, cursor = 0, None
        while True:
            page = self._backend.list(query, cursor, 1_000)
            total, cursor = total + len(page["jobs"]), page["next_cursor"]
            if cursor is None:
                return total

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Ask for the end of a job; see `Handle.cancel`."""
        return self._backend.act("cancel", job_id)

    def pause(self, job_id: str) -> dict[str, Any]:
        """Keep a job from running until `resume`."""
        return self._backend.act("pause", job_id)

    def resume(self, job_id: str) -> dict[str, Any]:
        """Let a paused job run again."""
        return self._backend.act("resume", job_id)

    def retry(self, job_id: str) -> dict[str, Any]:
        """Put a failed or cancelled job back into the queue; finished steps are kept."""
        return self._backend.act("retry", job_id)

    def remove(self, job_id: str) -> None:
        """Remove a finished job and its log. Raise Conflict if it is unfinished."""
        self._backend.act("remove", job_id)

    def prune(self, older_than: float | str) -> int:
        """Remove finished jobs that ended longer ago; return how many."""
        return self._backend.prune(parse_duration(older_than))

    def stats(self) -> dict[str, Any]:
        """Return the counts per status and kind."""
        return self._backend.stats()

    def close(self) -> None:
        """Let go of the store."""
        self._backend.close()

    def __enter__(self) -> "Outlast":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handles(self, jobs: Sequence[NewJob]) -> builtins.list[Handle]:
        _refuse_while_importing()
        return [Handle(self._backend, job_id) for job_id in self._backend.submit(jobs)]


def _refuse_while_importing() -> None:
    if target.importing:
        raise Refused(
            "A job was submitted while its own file was being imported; it would submit itself for ever.",
            'Put the call under if __name__ == "__main__":',
        )


def new_job(
    spec: Spec,
    args: str,
    *,
    key: str | None = None,
    account: str | None = None,
    labels: Mapping[str, str] | None = None,
    delay: float | str | None = None,
    at: datetime | str | None = None,
    queue: str = "default",
    priority: int = 0,
) -> NewJob:
    """Return the job to submit, every field checked. Raise UsageError naming the one that is wrong."""
    if delay is not None and at is not None:
        raise UsageError("delay and at exclude each other.", "Give one of them.")
    return NewJob(
        id=make_id(spec.kind, round(time() * 1000), os.urandom(8)),
        spec=spec,
        args=args,
        key=_name("key", key),
        account=_name("account", account),
        labels=_labels(labels),
        queue=_required("queue", queue),
        priority=_priority(priority),
        delay_seconds=None if delay is None else parse_duration(delay),
        due_at=None if at is None else _moment(at),
    )


def _labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    if labels is not None and not isinstance(labels, Mapping):
        raise UsageError(f"labels is {labels!r:.40}.", 'Use a dict of texts, e.g. {"env": "test"}.')
    return {_required("label", name): _required(f"label {name}", value) for name, value in (labels or {}).items()}


def _priority(priority: int) -> int:
    if isinstance(priority, bool) or not isinstance(priority, int) or abs(priority) > 1_000_000:
        raise UsageError(f"priority is {priority!r:.40}.", "Use a whole number from -1000000 to 1000000.")
    return priority


def _name(what: str, value: str | None) -> str | None:
    return None if value is None else _required(what, value)


def _required(what: str, value: str) -> str:
    if not isinstance(value, str) or not value or len(value) > LONGEST_NAME or "\0" in value:
        raise UsageError(f"{what} is {value!r:.60}.", f"Use text of 1 to {LONGEST_NAME} characters, without NUL.")
    encode(value, what)
    return value


def _moment(at: datetime | str) -> Moment:
    return from_iso(at) if isinstance(at, str) else from_datetime(at)


def _call_of(call: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(call, Mapping):
        return (), dict(call)
    if isinstance(call, tuple | list):
        return tuple(call), {}
    raise UsageError(f"{call!r:.60} is no call.", "Use a tuple of arguments or a dict of keyword arguments.")


_home_lock = threading.Lock()
_home_known: tuple[tuple[object, ...], Home] | None = None


def _home() -> Home:
    """Return this program's home; made again only when something it is made of may have changed."""
    global _home_known
    import posix
    import sys

    cwd = os.getcwd()
    # Asked at every submit: what os.environ stands on is compared in one go.
    signs = (sys.path, cwd, posix.environ)
    with _home_lock:
        if _home_known is None or _home_known[0] != signs:
            _home_known = (([*sys.path], cwd, {**posix.environ}), home_of_this_process())
        return _home_known[1]


_default: tuple[tuple[int, str], Outlast] | None = None


def default() -> Outlast:
    """Return the Outlast of the settings, opened once for each process and directory."""
    global _default
    if current.channel is not None:
        return Outlast()
    sign = (os.getpid(), f"{os.environ.get('JOBS_DATA_DIR', '')}\0{os.getcwd()}")
    if _default is None or _default[0] != sign:
        if _default is not None:
            _default[1].close()
        _default = (sign, Outlast())
    return _default[1]


def _backend(data_dir: str | os.PathLike[str] | None, store: str | None) -> Backend:
    if current.channel is not None and data_dir is None and store is None:
        return JobBackend()
    from outlast.app import open_backend

    flags = {"JOBS_DATA_DIR": str(Path(data_dir))} if data_dir is not None else {}
    if store is not None:
        flags["OUTLAST_STORE"] = store
    return open_backend(flags)
