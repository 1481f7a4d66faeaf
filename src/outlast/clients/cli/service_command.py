"""`outlast service`: the worker as a service that the system keeps running."""

from typing import TYPE_CHECKING

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.render.text import visible

if TYPE_CHECKING:
    from outlast.unit import Unit
    from outlast.unitkeeper import State


@click.group(no_args_is_help=False, epilog=examples("outlast service install", "outlast service status"))
def command() -> None:
    """Keep a worker running: a systemd user unit, or a launchd agent.

    It runs `outlast worker` for this data directory at each login, and again when it fails. No root is needed.
    """


@command.command(
    "install",
    epilog=examples("outlast service install", "outlast service install -c 4", "outlast service install --print"),
)
@click.option("-c", "--concurrency", type=click.IntRange(1, 10_000), metavar="N", help="Jobs at the same time.")
@click.option("--queue", "queues", multiple=True, metavar="Q", help="Only jobs of this queue; may be repeated.")
@click.option("--print", "only_print", is_flag=True, help="Print the unit and do nothing.")
@pass_session
def install(session: Session, concurrency: int | None, queues: tuple[str, ...], only_print: bool) -> None:
    """Write the unit, and start it now and at each login.

    It keeps the settings that are in force now: install it again after a change.
    """
    from outlast.unitkeeper import keeper

    unit, system = _unit(session, concurrency, queues), keeper()
    if only_print:
        session.write(system.text(unit))
        return
    path = system.install(unit)
    _tell_secrets(session, unit)
    _report(session, "installed", {"name": unit.name, "path": str(path), "command": list(unit.command)})
    session.note("It is started now and at each login. A supervisor that already runs goes on until it has no work.")
    for hint in system.hints(unit):
        session.note(f"  {hint}")


@command.command("status", epilog=examples("outlast service status", "outlast service status --json"))
@pass_session
def status(session: Session) -> None:
    """Tell how the service of this data directory is. Exit 4 if there is none."""
    from outlast.unitkeeper import keeper

    unit, system = _unit(session, None, ()), keeper()
    state = system.state(unit)
    if session.json:
        session.print_json({"name": unit.name, **_facts(state)})
        return
    session.print_lines([f"{unit.name}  {state.active}, {state.enabled}", visible(state.path)])
    for hint in system.hints(unit):
        session.note(f"  {hint}")


@command.command("uninstall", epilog=examples("outlast service uninstall"))
@pass_session
def uninstall(session: Session) -> None:
    """Stop the service and remove its unit; the jobs stay, and go on with the next supervisor."""
    from outlast.unitkeeper import keeper

    unit = _unit(session, None, ())
    path = keeper().uninstall(unit)
    _report(session, "removed", {"name": unit.name, "path": str(path)})


def _unit(session: Session, concurrency: int | None, queues: tuple[str, ...]) -> "Unit":
    from outlast.unit import unit_of

    options = [] if concurrency is None else ["--concurrency", str(concurrency)]
    for queue in queues:
        options += ["--queue", queue]
    return unit_of(session.settings, options)


def _facts(state: "State") -> dict[str, object]:
    return {"path": state.path, "active": state.active, "enabled": state.enabled, "pid": state.pid}


def _tell_secrets(session: Session, unit: "Unit") -> None:
    if unit.secrets:
        session.note(f"Not written, because it is secret: {', '.join(unit.secrets)}. Give it to the unit by hand.")


def _report(session: Session, done: str, facts: dict[str, object]) -> None:
    if session.json:
        session.print_json({done: True, **facts})
    else:
        session.print_lines([f"{done} {visible(str(facts['path']))}"])
