"""What `submit` and `run` have in common: the options of a submission, and what follows it."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session
from outlast.clients.cli.values import DURATION, SIZE
from outlast.core.errors import UsageError

if TYPE_CHECKING:
    from outlast.core.job import NewJob


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """The options of a submission as they were given; None: not given."""

    key: str | None
    account: str | None
    label: Sequence[str]
    delay: float | None
    at: str | None
    queue: str | None
    priority: int | None
    max_attempts: int | None
    backoff: str | None
    job_timeout: float | None
    isolation: str | None
    memory_limit: int | None
    on_interrupt: str | None
    max_crashes: int | None
    on_end: str | None
    keep: bool
    env: Sequence[str]
    wait: bool
    follow: bool
    timeout: float | None

    def check(self) -> None:
        """Raise UsageError for options that exclude or need each other."""
        if self.timeout is not None and not (self.wait or self.follow):
            raise UsageError("--timeout says how long to --wait or --follow.", "For the job itself use --job-timeout.")
        if self.wait and self.follow:
            raise UsageError("--wait and --follow exclude each other.", "Give one of them.")

    def rules(self) -> dict[str, Any]:
        """Return the fields of the job's policy that these options replace."""
        from outlast.core.endcalls import check_on_end
        from outlast.core.policies import parse_backoff

        given = {
            "max_attempts": self.max_attempts,
            "backoff": None if self.backoff is None else parse_backoff(self.backoff),
            "timeout_seconds": self.job_timeout,
            "isolation": self.isolation,
            "memory_limit_bytes": self.memory_limit,
            "on_interrupt": self.on_interrupt,
            "max_crashes": self.max_crashes,
            "on_end": None if self.on_end is None else check_on_end(self.on_end),
            "keep": self.keep or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    def submission(self) -> dict[str, Any]:
        """Return the keyword arguments of `new_job`, without those that were not given."""
        given = {
            "key": self.key,
            "account": self.account,
            "labels": labels_of(self.label),
            "delay": self.delay,
            "at": self.at,
            "queue": self.queue,
            "priority": self.priority,
        }
        return {name: value for name, value in given.items() if value is not None}


def labels_of(texts: Sequence[str]) -> Mapping[str, str]:
    """Return the labels of `name=value` texts. Raise UsageError."""
    labels: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"{text!r:.80} is no label.", "Write it like --label env=prod.")
        labels[name] = value
    return labels


_OPTIONS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "key": click.option("--key", metavar="TEXT", help="The same key returns the existing job."),
    "account": click.option("--account", metavar="TEXT", help="Whose job it is."),
    "label": click.option("--label", metavar="NAME=VALUE", multiple=True, help="A label; may be repeated."),
    "delay": click.option("--delay", type=DURATION, metavar="D", help="Not before D from now (10m, 1h)."),
    "at": click.option("--at", metavar="TIME", help="Not before TIME (ISO 8601; UTC if it says nothing)."),
    "queue": click.option("--queue", metavar="NAME", help="The queue (default: default)."),
    "priority": click.option("--priority", type=int, metavar="N", help="The larger runs first (default: 0)."),
    "max_attempts": click.option(
        "--max-attempts", type=click.IntRange(min=1), metavar="N", help="Tries in all, if it fails."
    ),
    "backoff": click.option("--backoff", metavar="D..D", help="Time between tries, doubling (1s..5m)."),
    "job_timeout": click.option(
        "--job-timeout", type=DURATION, metavar="D", help="Longest running time of one attempt."
    ),
    "isolation": click.option(
        "--isolation", type=click.Choice(["warm", "process"]), help="process: one for this job alone."
    ),
    "memory_limit": click.option(
        "--memory-limit", type=SIZE, metavar="SIZE", help="What its processes may use (512MB, 2GB)."
    ),
    "on_interrupt": click.option(
        "--on-interrupt", type=click.Choice(["resume", "fail"]), help="What follows if its process dies."
    ),
    "max_crashes": click.option(
        "--max-crashes", type=click.IntRange(min=1), metavar="N", help="Deaths in a row until it fails."
    ),
    "on_end": click.option("--on-end", metavar="CMD|URL", help="Called with the job at its end (https://...)."),
    "keep": click.option("--keep", is_flag=True, help="Never prune it."),
    "env": click.option("--env", metavar="NAME", multiple=True, help="Give it this variable; may be repeated."),
    "wait": click.option("--wait", is_flag=True, help="Wait for its end; exit 1 if it did not complete."),
    "follow": click.option("--follow", is_flag=True, help="The same, showing progress and log."),
    "timeout": click.option("--timeout", type=DURATION, metavar="D", help="Wait at most D; the job goes on (exit 5)."),
}
_OF_ONE_SUBMISSION: dict[str, Any] = {
    "key": None,
    "delay": None,
    "at": None,
    "wait": False,
    "follow": False,
    "timeout": None,
}
"""Options that only make sense for one job, and their values where they are not given."""


def submit_options(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a submission; its callback gets them as `options`."""
    return _with_options(callback, leave_out=())


def job_options(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a job that is submitted later, perhaps often."""
    return _with_options(callback, leave_out=_OF_ONE_SUBMISSION)


def _with_options(callback: Callable[..., Any], leave_out: Collection[str]) -> Callable[..., Any]:
    names = [field.name for field in fields(SubmitOptions) if field.name not in leave_out]
    absent = {name: _OF_ONE_SUBMISSION[name] for name in leave_out}

    @functools.wraps(callback)
    def packed(*args: Any, **kwargs: Any) -> Any:
        options = SubmitOptions(**{name: kwargs.pop(name) for name in names}, **absent)
        options.check()
        return callback(*args, options=options, **kwargs)

    decorated: Callable[..., Any] = packed
    for name in reversed(names):
        decorated = _OPTIONS[name](decorated)
    return decorated


def submit_and_report(session: Session, new: "NewJob", options: SubmitOptions) -> int:
    """Submit the job, say its id, and wait or follow if that was asked; return the exit code."""
    answer = session.service().submit([new])[0]
    if not answer.created:
        session.note(f"The key {options.key} is known; this is its job.")
    if options.wait or options.follow:
        session.note(answer.job_id)
    if options.wait:
        from outlast.clients.cli.watching import wait_to_end

        return wait_to_end(session, [answer.job_id], options.timeout)
    if options.follow:
        from outlast.clients.cli.following import follow_to_end

        return follow_to_end(session, [answer.job_id], options.timeout, log_from_start=True)
    if session.json:
        from outlast.core.view import job_object

        session.print_json(job_object(session.service().get(answer.job_id)))
        return 0
    session.print_lines([answer.job_id])
    return 0
