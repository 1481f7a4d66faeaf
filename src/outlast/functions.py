"""Functions as jobs: their rules, and what is stored so that another process finds them again."""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from outlast.core.durations import parse_duration
from outlast.core.endcalls import check_on_end
from outlast.core.errors import NotImportable, UsageError
from outlast.core.ids import check_kind
from outlast.core.job import Home, Spec
from outlast.core.policies import Policy, parse_backoff
from outlast.core.sizes import parse_size
from outlast.engine.jobside.target import MAIN_NAME

P = ParamSpec("P")
R = TypeVar("R")

_OTHER_RULES = ("queue", "priority", "schedule", "timezone", "catch_up", "overlap")
"""Those of `@job` that are no part of a policy."""
SUBMIT_WORDS = frozenset({"key", "account", "labels", "delay", "at", "queue", "priority", "on_end"})
_KEPT_VARIABLES = ("JOBS_DATA_DIR", "PERSIST_JOBS", "TARGET_DIFFICULTY_START", "DANGER", "CONSENSUS_API_URL")
_NOT_KEPT = (
    "OUTLAST_TOKEN",
    "OUTLAST_STORE",
    "OUTLAST_CRASH_",
    "OUTLAST_BOOT",
    "OUTLAST_JOB_ID",
    "OUTLAST_PROCESS_ID",
    "OUTLAST_OFFICE",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRules:
    """What `@job` says of a schedule, as it was written; None: the default."""

    rule: str
    timezone: str | None = None
    catch_up: str | None = None
    overlap: str | None = None


class Function(Generic[P, R]):
    """A function and the rules under which it runs as a job. Called like a function, it is one: nothing is stored."""

    __outlast_job__ = True

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        kind: str,
        policy: Policy,
        queue: str = "default",
        priority: int = 0,
        schedule_rules: ScheduleRules | None = None,
    ) -> None:
        self.fn = fn
        self.kind = check_kind(kind)
        self.policy = policy
        self.queue = queue
        self.priority = priority
        self.schedule_rules = schedule_rules
        self._last_spec: Spec | None = None
        functools.update_wrapper(self, fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.fn(*args, **kwargs)

    def spec(self, home: Home) -> Spec:
        """Return what is stored with each job of this function: the same object for the same home."""
        spec = self._last_spec
        if spec is None or spec.home is not home:
            self._last_spec = spec = Spec(kind=self.kind, target=target_of(self.fn), policy=self.policy, home=home)
        return spec

    def check_arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raise UsageError unless the function takes these arguments (its context left out)."""
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{self.kind}: {error}.", f"It takes {self._signature}.") from None

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        from outlast.engine.jobside.run import wants_context

        signature = inspect.signature(self.fn)
        if not wants_context(self.fn):
            return signature
        return signature.replace(parameters=list(signature.parameters.values())[1:])


def check_rules(rules: Iterable[str]) -> None:
    """Raise UsageError for the first name that is no rule of `@job`."""
    known = (*(make_policy.__kwdefaults__ or ()), *_OTHER_RULES)
    for name in rules:
        if name not in known:
            import difflib  # it takes longer to import than a module of jobs

            near = difflib.get_close_matches(name, known, n=1)
            mend = f"Did you mean {near[0]}?" if near else "help(outlast.job) tells which there are."
            raise UsageError(f"A job has no rule {name!r:.60}.", mend)


def make_policy(
    *,
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
) -> Policy:
    """Return the policy of these rules, as people write them. Raise UsageError for one that makes no sense."""
    for word, value, choices in (
        ("on_interrupt", on_interrupt, ("resume", "fail")),
        ("isolation", isolation, ("warm", "process")),
    ):
        if value not in choices:
            raise UsageError(f"{word} is {value!r}.", f"Use {' or '.join(choices)}.")
    for word, number in (("max_attempts", max_attempts), ("max_crashes", 1 if max_crashes is None else max_crashes)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise UsageError(f"{word} is {number!r}.", "Use a whole number from 1.")
    return Policy(
        max_attempts=max_attempts,
        backoff=parse_backoff(backoff),
        retry_on=tuple(_class_name(kind) for kind in (retry_on if isinstance(retry_on, tuple) else (retry_on,))),
        timeout_seconds=None if timeout is None else parse_duration(timeout),
        on_interrupt=on_interrupt,
        isolation=isolation,
        memory_limit_bytes=None if memory_limit is None else parse_size(memory_limit),
        max_crashes=max_crashes,
        keep=keep,
        on_end=None if on_end is None else check_on_end(on_end),
    )


def make_schedule_rules(
    schedule: str | None, *, timezone: str | None = None, catch_up: str | None = None, overlap: str | None = None
) -> ScheduleRules | None:
    """Return what `@job` says of a schedule, checked; None without one. Raise UsageError for what makes no sense."""
    if schedule is None:
        if timezone or catch_up or overlap:
            raise UsageError("timezone, catch_up and overlap belong to a schedule.", 'Write schedule="30 6 * * *" too.')
        return None
    # Imported where it is needed: most jobs have no schedule.
    from outlast.core.schedules import make_timetable

    make_timetable(schedule, timezone=timezone or "UTC", catch_up=catch_up, overlap=overlap)
    return ScheduleRules(rule=schedule, timezone=timezone, catch_up=catch_up, overlap=overlap)


def as_function(fn: Callable[..., R]) -> Function[..., R]:
    """Return `fn` itself if it is decorated, else with the default rules."""
    if isinstance(fn, Function):
        return fn
    check_signature(fn)
    return Function(fn, kind=fn.__name__, policy=make_policy())


def check_signature(fn: Callable[..., Any]) -> None:
    """Raise UsageError for a parameter that submit() would take for itself, NotImportable for what cannot be found."""
    target_of(fn, strict=False)  # first: what is no function of a module may not even have a signature
    words = SUBMIT_WORDS & inspect.signature(fn).parameters.keys()
    if words:
        raise UsageError(
            f"{fn.__name__} has a parameter {min(words)!r}, which is a word of submit().", "Give it another name."
        )


def target_of(fn: Callable[..., Any], *, strict: bool = True) -> str:
    """Return the target under which a job process finds `fn`. Raise NotImportable if it could not.

    `strict=False` leaves out what is only known once the program runs (where its main script lies).
    """
    name, module = getattr(fn, "__qualname__", ""), getattr(fn, "__module__", None)
    if not inspect.isfunction(fn) or "<" in name or not module:
        raise NotImportable(f"{name or fn!r:.80} cannot be found by another process.", "Use a function of a module.")
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise NotImportable(f"{name} is a generator.", "Return a value, and keep what is done with ctx.each or steps.")
    if module == MAIN_NAME:
        return f"{fn.__globals__['__file__']}:{name}"
    if module == "__main__":
        return f"{_main_place(name)}:{name}" if strict else ""
    return f"{module}:{name}"


def _main_place(name: str) -> str:
    """Return how the running program's own module is imported elsewhere: `-m` name, or the script's path."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name != "__main__":
        return str(spec.name)
    path: str | None = getattr(main, "__file__", None)
    if path is None or not os.path.isfile(path):
        raise NotImportable(
            f"{name} lives in no file (a notebook, an interactive session, stdin or -c).",
            "Move it into a module and import it.",
        )
    return os.path.abspath(path)


def home_of_this_process(extra: Iterable[str] = (), first_path: str | None = None) -> Home:
    """Return where the jobs of this program run: its interpreter, path, directory and settings.

    `extra` names more variables to keep; `first_path` goes before the path.
    """
    cwd = os.getcwd()
    path = [os.path.abspath(entry) if entry else cwd for entry in sys.path]
    if first_path is not None:
        path = [first_path, *path]
    return Home(interpreter=sys.executable, path=tuple(dict.fromkeys(path)), cwd=cwd, env=_kept_environment(extra))


def _kept_environment(extra: Iterable[str]) -> dict[str, str]:
    """Return the variables whose values a job is given as they were when it was submitted."""
    ours = (name for name in os.environ if name.startswith("OUTLAST_") and not name.startswith(_NOT_KEPT))
    kept = {name: os.environ[name] for name in (*_KEPT_VARIABLES, *ours) if name in os.environ}
    for name in extra:
        if name == "DATABASE_URL":
            raise UsageError("DATABASE_URL is never stored.", "Set it where the supervisor starts.")
        if name in os.environ:
            kept[name] = os.environ[name]
    if "JOBS_DATA_DIR" in kept:
        kept["JOBS_DATA_DIR"] = os.path.abspath(os.path.expanduser(kept["JOBS_DATA_DIR"]))
    return kept


def with_policy(function: Function[P, R], **rules: Any) -> Function[P, R]:
    """Return the function with some of its rules replaced (fields of Policy)."""
    return Function(
        function.fn,
        kind=function.kind,
        policy=function.policy._replace(**rules),
        queue=function.queue,
        priority=function.priority,
        schedule_rules=function.schedule_rules,
    )


def _class_name(kind: object) -> str:
    if not isinstance(kind, type) or not issubclass(kind, BaseException):
        raise UsageError(f"retry_on has {kind!r:.80}.", "Use exception classes.")
    module = MAIN_NAME if kind.__module__ == "__main__" else kind.__module__
    return f"{module}.{kind.__qualname__}"
