"""The table of commands, and the options that every command knows."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

import click

from outlast.clients.cli.session import Session

SECTIONS = {
    "Start": ("demo", "submit", "run", "pow", "progress"),
    "Look": ("list", "show", "explain", "follow", "logs", "wait", "failures", "stats"),
    "Steer": ("answer", "cancel", "pause", "resume", "retry", "remove", "prune"),
    "Keep safe": ("doctor", "backup", "export", "import", "crash-test"),
    "Activities of every day": ("state",),
    "For AI agents": ("mcp", "agents-md"),
    "Set up": ("schedule", "worker", "service", "config", "completion"),
}
"""Each command stands in the module `<name>_command` beside this one, as `command`."""

SUMMARY_WIDTH = 64
"""What is left of 80 columns beside the longest name."""
_PACKAGE = __name__.rpartition(".")[0]


class LazyGroup(click.Group):
    """The commands of a table; only the module of the one that is called is imported, from `package`."""

    sections = SECTIONS
    package = _PACKAGE

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in self.sections.values() for name in names if find_spec(self._module(name)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if not any(cmd_name in names for names in self.sections.values()):
            return None
        try:
            module = import_module(self._module(cmd_name))
        except ModuleNotFoundError as error:
            if error.name != self._module(cmd_name):
                raise
            return None
        command: click.Command = module.command
        add_global_options(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"There is no command {args[0]!r:.60}.{_guess(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        known = set(self.list_commands(ctx))
        longest = max(map(len, known))
        for title, names in self.sections.items():
            rows = [(name.ljust(longest), _short_help(self.get_command(ctx, name))) for name in names if name in known]
            with formatter.section(title):
                formatter.write_dl(rows, col_spacing=2)

    def _module(self, name: str) -> str:
        return f"{self.package}.{name.replace('-', '_')}_command"


def _short_help(command: click.Command | None) -> str:
    return "" if command is None else command.get_short_help_str(SUMMARY_WIDTH)


def _guess(word: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value is not None and value is not False and param.name is not None:
        ctx.ensure_object(Session).choose(param.name, value)


def global_options() -> list[click.Option]:
    """Return the options that stand before or after the command."""
    return [
        click.Option(
            ["--data-dir"],
            metavar="DIR",
            help="Where jobs are kept (JOBS_DATA_DIR).",
            type=click.Path(file_okay=True),
            expose_value=False,
            callback=_remember,
        ),
        click.Option(
            ["--store"],
            metavar="URL",
            help="Another store: sqlite:///path/jobs.db.",
            expose_value=False,
            callback=_remember,
        ),
        click.Option(["--json"], is_flag=True, help="Print JSON, errors too.", expose_value=False, callback=_remember),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            help="Colours; auto: on a terminal.",
            expose_value=False,
            callback=_remember,
        ),
    ]


def add_global_options(command: click.Command) -> None:
    """Give a command, and those below it, the global options; once is enough."""
    for each in _with_children(command):
        each.context_settings.setdefault("help_option_names", ["-h", "--help"])
        known = {name for param in each.params for name in param.opts}
        each.params.extend(option for option in global_options() if not known & set(option.opts))


def _with_children(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from _with_children(child)
