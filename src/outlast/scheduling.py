"""Functions on a schedule: from what a person wrote to what is stored."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from outlast.core.codec import encode
from outlast.core.errors import UsageError
from outlast.core.schedules import Schedule, Timetable, check_name, make_timetable
from outlast.functions import Function, as_function, home_of_this_process
from outlast.service import Service

_ZONES = "zoneinfo" + os.sep


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of a schedule; what is None is taken from `@job`, then from the defaults."""

    rule: str | None = None
    name: str | None = None
    timezone: str | None = None
    catch_up: str | None = None
    overlap: str | None = None
    account: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    queue: str | None = None
    priority: int | None = None

    def timetable(self, zone: str) -> Timetable:
        """Return the checked timetable; `zone` where none is named. Raise UsageError."""
        if self.rule is None:
            raise UsageError("There is no rule.", 'Give one, like "30 6 * * *", or write @job(schedule="30 6 * * *").')
        return make_timetable(self.rule, timezone=self.timezone or zone, catch_up=self.catch_up, overlap=self.overlap)


def make_schedule(
    fn: Callable[..., Any], wish: Wish, *, zone: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
) -> Schedule:
    """Return the schedule of a function of this program. Raise UsageError, NotStorable or NotImportable."""
    function: Function[..., Any] = as_function(fn)
    given = {} if kwargs is None else dict(kwargs)
    function.check_arguments(tuple(args), given)
    wish = with_rules_of(function, wish)
    return Schedule(
        name=check_name(wish.name or function.kind),
        timetable=wish.timetable(zone),
        spec=function.spec(home_of_this_process()),
        args=encode({"args": list(args), "kwargs": given}, "arguments"),
        account=wish.account,
        labels=wish.labels,
        queue=function.queue if wish.queue is None else wish.queue,
        priority=function.priority if wish.priority is None else wish.priority,
    )


def with_rules_of(function: Function[..., Any], wish: Wish) -> Wish:
    """Return the wish with what it leaves open taken from `@job(schedule=…)`."""
    rules = function.schedule_rules
    if rules is None:
        return wish
    return replace(
        wish,
        rule=wish.rule or rules.rule,
        timezone=wish.timezone or rules.timezone,
        catch_up=wish.catch_up or rules.catch_up,
        overlap=wish.overlap or rules.overlap,
    )


def register_schedules(service: Service, functions: Iterable[Callable[..., Any]], *, zone: str) -> list[str]:
    """Put the schedules of those `functions` that have one in `@job`; return their names.

    Called with the same functions again, it changes nothing, and no due time is missed or repeated; a changed rule
    begins with its next due time. A schedule whose function is gone stays until it is removed.
    """
    names = []
    for fn in functions:
        if isinstance(fn, Function) and fn.schedule_rules is not None:
            schedule = make_schedule(fn, Wish(), zone=zone)
            service.put_schedule(schedule)
            names.append(schedule.name)
    return names


def system_timezone() -> str:
    """Return the IANA name of this machine's time zone, as far as it can be told; else UTC."""
    from outlast.core.cron import check_zone

    for name in (os.environ.get("TZ", "").removeprefix(":"), _of_localtime(), _of_file()):
        try:
            return check_zone(name)
        except UsageError:
            continue
    return "UTC"


def _of_localtime() -> str:
    return os.path.realpath("/etc/localtime").rpartition(_ZONES)[2]


def _of_file() -> str:
    try:
        with open("/etc/timezone", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
