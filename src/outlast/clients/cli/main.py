"""The program `outlast`: finds the command, runs it, and turns whatever happens into output and an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

import outlast
from outlast.clients.cli.group import LazyGroup, add_global_options
from outlast.clients.cli.session import OutputLost, Session, examples

PROGRAM = "outlast"
COMPLETE_VARIABLE = "_OUTLAST_COMPLETE"
INTERRUPTED = 130


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=examples(
        "outlast submit jobs.py:mirror 'urls=[\"https://example.org\"]' --follow",
        "outlast run -- make all",
        "outlast list status:failed",
    ),
)
@click.version_option(outlast.__version__, message="%(prog)s %(version)s")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Jobs that outlast the process that started them.

    A job is a Python function or a shell command that runs in its own process, is saved at every step, and goes on
    where it stopped after a crash.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


add_global_options(command)


def main() -> NoReturn:
    """Run the program and leave with its exit code."""
    # A short command makes little garbage, and looking for it takes a tenth of its time.
    gc.set_threshold(50_000)
    _open_standard_files()
    _allow_every_character()
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        _leave(_complete(instruction))
    session = Session()
    try:
        code = run(sys.argv[1:], session)
    finally:
        session.close()
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Leave at once: to take an interpreter down piece by piece takes longer than most commands."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            if stream is not None:
                stream.flush()
    os._exit(code)


def run(args: Sequence[str], session: Session) -> int:
    """Run the command that `args` name and return the exit code; errors are told."""
    try:
        with command.make_context(PROGRAM, list(args), obj=session) as ctx:
            answer = command.invoke(ctx)
        session.write("", flush=True)
        return answer if isinstance(answer, int) else 0
    except click.exceptions.NoArgsIsHelpError as nothing:
        click.echo(nothing.format_message())
        return 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, EOFError, click.Abort):
        session.note("")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return 0
    except Exception as error:  # noqa: BLE001 - the one place where every error becomes a line and an exit code
        return _told(error, args, session)


def _told(error: Exception, args: Sequence[str], session: Session) -> int:
    from outlast.clients.cli.faults import fault_of, tell

    fault = fault_of(error, session.log_directory())
    as_json = session.json or "--json" in _before_dashes(args)
    tell(fault, as_json=as_json, paint=session.paint(on_stderr=True))
    if isinstance(error, OutputLost):
        _forget_stdout()
    return fault.exit_code


def _before_dashes(args: Sequence[str]) -> Sequence[str]:
    """Return the arguments that may be options of ours: those before `--`."""
    return args[: args.index("--")] if "--" in args else args


def _open_standard_files() -> None:
    """Fill 0, 1 and 2 if they are closed: a store opened as file 1 would get what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)


def _allow_every_character() -> None:
    """Let a stream spell what its encoding does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, or the interpreter would try once more and complain."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _complete(instruction: str) -> int:
    """Answer the shell's question; whatever goes wrong, silence is the best answer in the middle of a line."""
    from outlast.clients.cli.shells import completion_of

    shell, _, asked = instruction.partition("_")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        complete = completion_of(shell)
        if complete is None or asked != "complete":
            return 1
        click.echo(complete(command, {"obj": Session()}, PROGRAM, COMPLETE_VARIABLE).complete())
        return 0
    except Exception:  # noqa: BLE001 - see above
        return 1
