"""Every command explains itself, on 80 columns, with examples."""

import pytest

from outlast.clients.cli import state_command
from outlast.clients.cli.group import SECTIONS, SUMMARY_WIDTH
from outlast.clients.cli.main import command
from outlast.clients.cli.state_command import STATE_SECTIONS
from outlast.clients.render.text import width_of
from tests.cli.screens import check_screen
from tests.cli.shell import Shell

STATE_COMMANDS = [f"state {name}" for names in STATE_SECTIONS.values() for name in names]
COMMANDS = ["config show", *(name for names in SECTIONS.values() for name in names), *STATE_COMMANDS]
OF_OTHERS = ("pow", "demo")
"""Their screens are kept by their own tests."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in OF_OTHERS])
def test_the_help_of_a_command(shell: Shell, name: str) -> None:
    said = shell.outlast(*name.split(), "-h", code=0)

    check_screen(f"help-{name.replace(' ', '-')}", said.out)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_and_has_examples(shell: Shell, name: str) -> None:
    said = shell.outlast(*name.split(), "--help", code=0)

    assert "Examples:" in said.out
    assert "--data-dir" in said.out
    assert "--json" in said.out
    assert max(map(width_of, said.out.splitlines())) <= 80


def test_the_help_of_the_program_names_every_command(shell: Shell) -> None:
    said = shell.outlast("--help", code=0)

    assert max(map(width_of, said.out.splitlines())) <= 80
    for name in command.list_commands(None):  # type: ignore[arg-type]
        assert f"\n  {name} " in said.out


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in OF_OTHERS and " " not in name])
def test_a_summary_is_not_cut(name: str) -> None:
    found = command.get_command(None, name)  # type: ignore[arg-type]

    assert found is not None
    assert "..." not in found.get_short_help_str(SUMMARY_WIDTH)


@pytest.mark.parametrize("name", STATE_COMMANDS)
def test_a_summary_below_state_is_not_cut(name: str) -> None:
    found = state_command.command.get_command(None, name.split()[1])  # type: ignore[arg-type]

    assert found is not None
    assert "..." not in found.get_short_help_str(SUMMARY_WIDTH)


def test_without_a_command_the_program_explains_itself(shell: Shell) -> None:
    assert shell.outlast(code=0).out == shell.outlast("-h", code=0).out


def test_the_version(shell: Shell) -> None:
    assert shell.outlast("--version", code=0).out.startswith("outlast 0.")
