"""`outlast schedule`: cron rules that submit jobs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from outlast.clients.cli.completing import complete_schedules
from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.cli.submitting import SubmitOptions, job_options
from outlast.core.errors import UsageError

if TYPE_CHECKING:
    from outlast.core.schedules import Schedule, Scheduled
    from outlast.scheduling import Wish

_COMMAND = "outlast.schedule.command"
_LIST = "outlast schedule list"

names_argument = click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_schedules)


@click.group(
    no_args_is_help=False,
    epilog=examples(
        "outlast schedule add jobs.py:mirror '30 6 * * *' --timezone Europe/Berlin",
        _LIST,
        "outlast schedule run-now mirror",
    ),
)
def command() -> None:
    """Submit jobs by cron rules: once for each due time.

    A supervisor stays as long as there is a schedule that is not paused. After a reboot any outlast command that
    needs one starts it; outlast worker under your service manager does so at once.
    """


class AddCommand(click.Command):
    """A command after whose `--` a shell command may follow."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            args, ctx.meta[_COMMAND] = args[:place], args[place + 1 :]
        return super().parse_args(ctx, args)


@command.command(
    "add",
    cls=AddCommand,
    epilog=examples(
        "outlast schedule add jobs.py:mirror '30 6 * * *' 'urls=[\"https://a.org\"]'",
        "outlast schedule add jobs.py:daily @daily user=alice --name daily:alice",
        "outlast schedule add jobs.py:nightly         # the rule of @job(schedule=…)",
        "outlast schedule add '0 3 * * SUN' --name backup -- rsync -a src/ dst/",
    ),
)
@click.argument("words", metavar="TARGET [RULE] [NAME=VALUE]... | RULE -- CMD...", nargs=-1)
@click.option("--args", "args_text", metavar="JSON", help='All arguments: {"name": value} or [1, 2].')
@click.option("--name", metavar="NAME", help="Its name (default: that of the function or program).")
@click.option("--timezone", metavar="ZONE", help="IANA zone of the rule (OUTLAST_TIMEZONE, else this system's).")
@click.option("--catch-up", type=click.Choice(["skip", "once", "all"]), help="What is made up of missed times (once).")
@click.option("--overlap", type=click.Choice(["skip", "queue"]), help="While its last job is unfinished (skip).")
@job_options
@pass_session
def add(
    session: Session,
    /,
    words: Sequence[str],
    args_text: str | None,
    options: SubmitOptions,
    **rules: str | None,
) -> None:
    """Add a schedule, or change the one of the same name.

    RULE has five fields: minute, hour, day of month, month, day of week; or is @hourly, @daily, @weekly, @monthly.
    A time that the change to summer time leaves out is due right after the gap; one that comes twice, the first time.
    """
    argv = click.get_current_context().meta.get(_COMMAND)
    wish = _wish(options, rules)
    if argv is None:
        schedule = _of_function(session, words, args_text, options, wish)
    else:
        schedule = _of_command(session, words, argv, options, wish)
    is_new = session.service().put_schedule(schedule, named=rules["name"] is not None)
    _report(session, [schedule.name], "added" if is_new else "changed")


def _wish(options: SubmitOptions, rules: dict[str, str | None]) -> "Wish":
    from outlast.scheduling import Wish

    given = {name: value for name, value in options.submission().items() if name != "labels"}
    return Wish(**rules, **given, labels=options.submission()["labels"])  # type: ignore[arg-type]


def _of_function(
    session: Session, words: Sequence[str], args_text: str | None, options: SubmitOptions, wish: "Wish"
) -> "Schedule":
    from dataclasses import replace

    from outlast.app import timezone_of
    from outlast.clients.cli.submit_command import arguments_of
    from outlast.functions import home_of_this_process
    from outlast.scheduling import make_schedule
    from outlast.targets import find_function, function_spec

    if not words:
        raise UsageError("Name what is to run, and when.", "outlast schedule add --help shows how.")
    target, *rest = words
    has_rule = bool(rest) and "=" not in rest[0]
    args, kwargs = arguments_of(rest[1:] if has_rule else rest, args_text)
    function, place = find_function(target)
    wish = replace(wish, rule=rest[0] if has_rule else None)
    schedule = make_schedule(function, wish, zone=timezone_of(session.settings), args=args, kwargs=kwargs)
    return schedule._replace(spec=function_spec(function, place, home_of_this_process(options.env), options.rules()))


def _of_command(
    session: Session, words: Sequence[str], argv: Sequence[str], options: SubmitOptions, wish: "Wish"
) -> "Schedule":
    import os
    from dataclasses import replace

    from outlast.app import timezone_of
    from outlast.core.codec import encode
    from outlast.core.schedules import Schedule, check_name
    from outlast.functions import home_of_this_process
    from outlast.targets import command_call, command_spec

    if len(words) != 1 or not argv:
        raise UsageError("A command is scheduled by one rule.", "Write: outlast schedule add '0 3 * * *' -- CMD.")
    return Schedule(
        name=check_name(wish.name or os.path.basename(argv[0])),
        timetable=replace(wish, rule=words[0]).timetable(timezone_of(session.settings)),
        spec=command_spec(home_of_this_process(options.env), options.rules()),
        args=encode(command_call(argv, str(session.service().places.run)), "command"),
        account=wish.account,
        labels=wish.labels,
        queue=wish.queue or "default",
        priority=wish.priority or 0,
    )


@command.command("list", epilog=examples(_LIST, f"{_LIST} --json"))
@pass_session
def list_schedules(session: Session) -> None:
    """List the schedules, by name.

    Each with its rule in words, the next five times in its zone, and its last job.
    """
    schedules = session.service().schedules() if session.has_store() else []
    if session.json:
        from outlast.core.schedules import schedule_object

        now = session.now()
        session.print_json({"schedules": [schedule_object(found, last, now) for found, last in schedules]})
    elif schedules:
        from outlast.clients.render.schedules import schedule_list

        session.print_lines(schedule_list(schedules, session.screen()))
    else:
        session.note("There are no schedules.")


@command.command("remove", epilog=examples("outlast schedule remove mirror"))
@names_argument
@pass_session
def remove(session: Session, names: Sequence[str]) -> None:
    """Forget schedules; the jobs they have submitted stay."""
    for name in names:
        session.existing().schedule(name)
    for name in names:
        session.existing().remove_schedule(name)
    if session.json:
        session.print_json({"removed": list(names)})
    else:
        session.print_lines([f"{name} removed" for name in names])


@command.command("pause", epilog=examples("outlast schedule pause mirror"))
@names_argument
@pass_session
def pause(session: Session, names: Sequence[str]) -> None:
    """Let schedules submit nothing until they are resumed."""
    _change(session, names, lambda name: session.existing().pause_schedule(name), "paused")


@command.command("resume", epilog=examples("outlast schedule resume mirror"))
@names_argument
@pass_session
def resume(session: Session, names: Sequence[str]) -> None:
    """Let paused schedules go on with their next due time.

    What was due during the pause is not made up.
    """
    _change(session, names, lambda name: session.existing().resume_schedule(name), "resumed")


@command.command(
    "run-now", epilog=examples("outlast schedule run-now mirror", "outlast schedule run-now mirror --json")
)
@names_argument
@pass_session
def run_now(session: Session, names: Sequence[str]) -> None:
    """Submit a job of each schedule at once; print the ids.

    This is beside its due times, which stay as they are. A paused schedule stays paused.
    """
    for name in names:
        session.existing().schedule(name)
    answers = [session.existing().run_schedule_now(name) for name in names]
    if session.json:
        from outlast.core.view import job_object

        jobs = [job_object(session.service().get(answer.job_id)) for answer in answers]
        session.print_json(jobs[0] if len(jobs) == 1 else {"jobs": jobs})
    else:
        session.print_lines([answer.job_id for answer in answers])


def _change(session: Session, names: Sequence[str], act: Callable[[str], "Scheduled"], done: str) -> None:
    for name in names:
        session.existing().schedule(name)
    for name in names:
        act(name)
    _report(session, names, done)


def _report(session: Session, names: Sequence[str], done: str) -> None:
    """Say what was done, and when each schedule is due next."""
    service = session.service()
    found = [service.schedule(name) for name in names]
    if session.json:
        from outlast.core.schedules import schedule_object

        objects: list[dict[str, Any]] = [
            schedule_object(each, service.last_of_schedule(each), session.now()) for each in found
        ]
        session.print_json(objects[0] if len(objects) == 1 else {"schedules": objects})
        return
    session.print_lines([f"{each.schedule.name} {done}{_due_words(session, each)}" for each in found])


def _due_words(session: Session, found: "Scheduled") -> str:
    from outlast.clients.render.schedules import told_time

    if found.paused:
        return "; it is paused"
    return f", next {told_time(found, found.next_at, session.now())}" if found.next_at is not None else ""
