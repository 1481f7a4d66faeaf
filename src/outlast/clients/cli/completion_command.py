"""`outlast completion`: the script that teaches a shell our commands."""

import click

from outlast.clients.cli.session import Session, examples, pass_session


@click.command(
    epilog=examples(
        'eval "$(outlast completion bash)"     # in ~/.bashrc',
        'eval "$(outlast completion zsh)"      # in ~/.zshrc',
        "outlast completion fish > ~/.config/fish/completions/outlast.fish",
    )
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@pass_session
@click.pass_context
def command(ctx: click.Context, session: Session, shell: str) -> None:
    """Print the script that teaches a shell our commands.

    SHELL is bash, zsh or fish. Commands, options, ids, keys, queries and groups of failures are completed.
    """
    from outlast.clients.cli.shells import completion_of

    complete = completion_of(shell)
    assert complete is not None
    script = complete(ctx.find_root().command, {}, "outlast", "_OUTLAST_COMPLETE").source()
    if session.json:
        session.print_json({"shell": shell, "script": script})
    else:
        session.print_lines([script])
