"""`outlast config`: the settings in force."""

import click

from outlast.clients.cli.session import Session, examples, pass_session
from outlast.clients.render.secrets import masked
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import visible


@click.group(no_args_is_help=False, epilog=examples("outlast config show"))
def command() -> None:
    """The settings in force, and where each comes from."""


@command.command("show", epilog=examples("outlast config show", "outlast config show --json"))
@pass_session
def show(session: Session) -> None:
    """Show every setting, its value and its origin; secrets are masked."""
    from outlast.settings import SETTINGS

    settings = session.settings
    values = {each.variable: masked(settings.texts[each.variable], secret=each.secret) for each in SETTINGS}
    if session.json:
        session.print_json(
            {name: {"value": value or None, "origin": settings.origins[name]} for name, value in values.items()}
        )
        return
    columns = (
        Column(heading="SETTING", gives_way=9),
        Column(heading="VALUE", least=12),
        Column(heading="ORIGIN", gives_way=9),
    )
    rows = [(name, visible(value) or "–", settings.origins[name]) for name, value in values.items()]
    screen = session.screen()
    session.print_lines(table(columns, rows, screen.width, screen.paint))
