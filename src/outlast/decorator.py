"""The `@job` decorator."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, ParamSpec, TypeVar, overload

from outlast.client import Handle, default
from outlast.functions import Function, check_rules, check_signature, make_policy, make_schedule_rules

P = ParamSpec("P")
R = TypeVar("R")


class JobFunction(Function[P, R]):
    """A function that can be submitted. Called like a function, it is one: nothing is stored."""

    def submit(
        self,
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
        """Store a job that calls this function, durably, and return its handle; see `Outlast.submit`."""
        options = {"key": key, "account": account, "labels": labels, "delay": delay, "at": at, "on_end": on_end}
        return default().submit(self, *args, **options, queue=queue, priority=priority, **kwargs)  # type: ignore[arg-type]

    def submit_many(self, calls: Iterable[Any]) -> list[Handle]:
        """Store one job a call, all in one transaction; see `Outlast.submit_many`."""
        return default().submit_many(self, calls)

    def schedule(
        self,
        rule: str | None = None,
        *,
        name: str | None = None,
        timezone: str | None = None,
        catch_up: Literal["skip", "once", "all"] | None = None,
        overlap: Literal["skip", "queue"] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Keep a schedule that submits this function, durably; return its object. See `Outlast.schedule`."""
        rules: dict[str, Any] = {"name": name, "timezone": timezone, "catch_up": catch_up, "overlap": overlap}
        return default().schedule(self, rule, **rules, **options)


@overload
def job(fn: Callable[P, R], /) -> JobFunction[P, R]: ...
@overload
def job(
    name: str | None = None,
    /,
    *,
    queue: str = "default",
    priority: int = 0,
    max_attempts: int = 1,
    backoff: str = "1s..5m",
    retry_on: type[BaseException] | tuple[type[BaseException], ...] = Exception,
    timeout: float | str | None = None,
    on_interrupt: Literal["resume", "fail"] = "resume",
    isolation: Literal["warm", "process"] = "warm",
    memory_limit: int | str | None = None,
    max_crashes: int | None = None,
    keep: bool = False,
    on_end: str | None = None,
    schedule: str | None = None,
    timezone: str | None = None,
    catch_up: Literal["skip", "once", "all"] | None = None,
    overlap: Literal["skip", "queue"] | None = None,
) -> Callable[[Callable[P, R]], JobFunction[P, R]]: ...
def job(fn_or_name: Any = None, /, **options: Any) -> Any:
    """Make a function a job; bare (`@job`) or with rules (`@job(max_attempts=3, timeout="2h")`).

    `name`: the kind (default the function's name). `max_attempts`: tries in all; between them `backoff`, doubling,
    ± 20 %. `retry_on`: which exceptions are tried again. `timeout`: running time of one attempt. `on_interrupt`:
    what follows when the process died. `isolation="process"`: a process for this job alone. `memory_limit`: what its
    processes may use ("512MB", "2GB"; an int is bytes), else they are ended. `max_crashes`: deaths without a save until
    it is given up. `keep`: never prune. `on_end`: a command or an https URL that is called with the job at its end.
    `schedule` (a cron rule), `timezone`, `catch_up`, `overlap`: for a schedule; it begins when it is registered.
    Raise UsageError for rules that make no sense, NotImportable for a function another process could not find.
    """
    check_rules(options)
    if callable(fn_or_name):
        return _decorate(fn_or_name, None, {})
    return lambda fn: _decorate(fn, fn_or_name, options)


def _decorate(fn: Callable[P, R], name: str | None, options: Mapping[str, Any]) -> JobFunction[P, R]:
    options = dict(options)
    check_signature(fn)
    queue, priority = options.pop("queue", "default"), options.pop("priority", 0)
    words = {word: options.pop(word, None) for word in ("timezone", "catch_up", "overlap")}
    return JobFunction(
        fn,
        kind=name or fn.__name__,
        queue=queue,
        priority=priority,
        schedule_rules=make_schedule_rules(options.pop("schedule", None), **words),
        policy=make_policy(**options),
    )
