"""`outlast submit`: a Python function as a job."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.submitting import SubmitOptions, submit_and_report, submit_options
from outlast.core.errors import UsageError

if TYPE_CHECKING:
    from outlast.core.job import NewJob

_NAME = re.compile(r"[^\W\d]\w*\Z")


@click.command(
    epilog=examples(
        "outlast submit jobs.py:mirror 'urls=[\"https://example.org\"]'",
        "outlast submit shop.mail:send to=a@example.org --key mail:17 --wait",
        "outlast submit jobs.py:nightly --delay 8h --max-attempts 3",
        "outlast submit jobs.py:add --args '[1, 2]' --follow",
    )
)
@click.argument("target")
@click.argument("pairs", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--args", "args_text", metavar="JSON", help='All arguments: {"name": value} or [1, 2].')
@submit_options
@pass_session
def command(session: Session, target: str, pairs: Sequence[str], args_text: str | None, options: SubmitOptions) -> int:
    """Run a Python function as a job; print its id.

    TARGET is module:function or path/file.py:function. A VALUE is JSON if it can be read as JSON, else text.
    """
    return submit_and_report(session, _new_job(target, *arguments_of(pairs, args_text), options), options)


def _new_job(target: str, args: Sequence[Any], kwargs: dict[str, Any], options: SubmitOptions) -> "NewJob":
    from outlast.client import new_job
    from outlast.core.codec import encode
    from outlast.functions import home_of_this_process
    from outlast.targets import find_function, function_spec

    function, place = find_function(target)
    function.check_arguments(tuple(args), kwargs)
    spec = function_spec(function, place, home_of_this_process(options.env), options.rules())
    rest = {"queue": function.queue, "priority": function.priority, **options.submission()}
    return new_job(spec, encode({"args": list(args), "kwargs": kwargs}, "arguments"), **rest)


def arguments_of(pairs: Sequence[str], args_text: str | None) -> tuple[list[Any], dict[str, Any]]:
    """Return positional and keyword arguments of what was typed. Raise UsageError."""
    args, kwargs = _from_json(args_text)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not _NAME.match(name):
            raise UsageError(
                f"{pair!r:.80} is no argument.", "Write name=value; without names: --args '[value, value]'."
            )
        if name in kwargs:
            raise UsageError(f"The argument {name} is given twice.", "Give it once.")
        kwargs[name] = _value(text)
    return args, kwargs


def _from_json(text: str | None) -> tuple[list[Any], dict[str, Any]]:
    from outlast.core.codec import decode

    value = [] if text is None else decode(text, "--args")
    if isinstance(value, dict):
        return [], dict(value)
    if isinstance(value, list):
        return list(value), {}
    raise UsageError("--args is neither a JSON object nor a list.", """Write --args '{"name": 1}' or --args '[1]'.""")


def _value(text: str) -> Any:
    from outlast.core.codec import decode

    try:
        return decode(text)
    except UsageError:
        return text
