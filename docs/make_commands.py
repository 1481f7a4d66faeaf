"""Write docs/commands.md from the program's own help: python docs/make_commands.py"""

import copy
from collections.abc import Iterator
from pathlib import Path

import click

from outlast.clients.cli.group import SECTIONS, global_options
from outlast.clients.cli.main import command as program

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 80
HEAD = """\
# Commands

<!-- Made by docs/make_commands.py from the program's own help. Do not edit: change the help, then run it. -->

`outlast COMMAND --help` shows the same on your machine. Every command also knows these options, before or after it:

```text
{global_options}
```

**ID** is an id, a key, the first four or more digits of an id's random part (the part that lists show), or `@last`:
what you submitted last. What ends or removes jobs takes `@last` only from a terminal. If an ID means several jobs, they
are named and nothing is done.

**QUERY** is words and terms like `status:failed error:Timeout age:<1d -kind:ping`: [queries](query.md) has all of it.
Quote it, so that the shell leaves `<` alone.

**GROUP** is the code that `outlast failures` shows, or its first three or more characters.

**D** is a duration: `500ms`, `30s`, `10m`, `1h30m`, `7d`.

**NAME=VALUE**, as an argument of a job: JSON if it can be read as JSON, else text. `n=5` is a number, `n='"5"'` text.

[Exit codes](files.md#exit-codes) and [errors](files.md#errors) are the same everywhere, and what `--json` prints is on
[a page of its own](json.md). Data goes to stdout and the
rest to stderr; there are no questions without a terminal; `NO_COLOR` is respected.
"""


def page() -> str:
    """Return the text of the page."""
    root = click.Context(program, info_name="outlast", terminal_width=WIDTH)
    known = program.list_commands(root)
    parts = [HEAD.format(global_options=_global_options(root))]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in (name for name in names if name in known):
            parts += _command(root, name, program.get_command(root, name))
    return "\n".join(parts)


def _command(parent: click.Context, name: str, command: click.Command | None) -> Iterator[str]:
    assert command is not None
    context = click.Context(_without_global_options(command), info_name=name, parent=parent, terminal_width=WIDTH)
    depth = "#" * (3 if parent.parent is None else 4)
    yield f"{depth} {context.command_path}\n\n```text\n{_trimmed(context.command.get_help(context))}\n```\n"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            yield from _command(context, child, command.get_command(context, child))


def _global_options(root: click.Context) -> str:
    formatter = root.make_formatter()
    records = (option.get_help_record(root) for option in global_options())
    formatter.write_dl([record for record in records if record is not None])
    return _trimmed(formatter.getvalue())


def _without_global_options(command: click.Command) -> click.Command:
    """Return the command as its help would be without the options that every command knows."""
    shown = copy.copy(command)
    shared = {name for option in global_options() for name in option.opts}
    shown.params = [param for param in command.params if not shared & set(param.opts)]
    shown.add_help_option = False
    return shown


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
