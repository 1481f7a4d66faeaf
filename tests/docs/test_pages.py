"""What the pages show works: their programs run, their commands exist, their links lead somewhere."""

import json
import os
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from outlast.clients.cli.main import command as program
from outlast.clients.cli.session import Session
from tests.docs.pages import PAGES, ROOT, Block, blocks, broken_links, output_fault, page_name, run_block
from tests.workshop import Workshop

STORIES = [page for page in PAGES if any(block.mark != "fragment" for block in blocks(page))]
"""Pages with a block that is run or kept; their blocks share a directory and are run in order."""


@pytest.fixture
def like_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a block find `outlast` and `python`, and buffer its output like anybody's."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.mark.parametrize("page", STORIES, ids=page_name)
def test_the_blocks_of_a_page_do_what_it_says(
    page: Path, tmp_path: Path, workshop: Workshop, like_a_user: None
) -> None:
    printed = ""
    for block in blocks(page):
        if block.mark == "file":
            (tmp_path / block.name).write_text(block.text, encoding="utf-8")
        elif block.mark == "output":
            fault = output_fault(block.text, printed)
            assert fault is None, f"{block.place} {fault}"
        elif block.mark == "run" or (block.language == "python" and block.mark != "fragment"):
            printed = run_block(block, tmp_path)


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in blocks(page) if block.language in ("python", "json", "toml")],
    ids=lambda block: block.place,
)
def test_a_block_is_valid_in_its_language(block: Block) -> None:
    check: dict[str, Callable[[str], object]] = {
        "python": lambda text: compile(text, block.place, "exec"),
        "json": json.loads,
        "toml": tomllib.loads,
    }

    check[block.language](block.text)


def command_lines() -> list[tuple[str, str]]:
    """Return every line of a shell block that calls outlast, with its place."""
    found = []
    for block in (block for page in PAGES for block in blocks(page) if block.language == "sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.split("#")[0].strip().startswith(("outlast ", "./run ")):
                found.append((block.place, line.strip()))
    return found


@pytest.mark.parametrize(("place", "line"), command_lines(), ids=lambda text: text if ":" in text else None)
def test_a_command_of_the_pages_exists_with_its_options(place: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "./run" and words[1] in ("test", "torture", "bench", "lock"):
        return

    fault = usage_fault(words[1:])

    assert fault is None, f"{place}: {line}: {fault}"


def usage_fault(arguments: list[str]) -> str | None:
    """Return what the program would complain about before it does anything; None if it would begin."""
    ctx = click.Context(program, info_name="outlast", obj=Session())
    try:
        name, command, rest = program.resolve_command(ctx, arguments)
        while command is not None:
            ctx = command.make_context(name, list(rest), parent=ctx)
            if not isinstance(command, click.Group):
                break
            name, command, rest = command.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
    except click.UsageError as error:
        return error.format_message()
    return None


def test_a_wrong_command_line_is_noticed() -> None:
    assert usage_fault(["list", "--limit", "5"]) is None
    assert "--limits" in (usage_fault(["list", "--limits", "5"]) or "")
    assert "lits" in (usage_fault(["lits"]) or "")
    assert usage_fault(["submit"]) is not None


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    assert not broken_links(page)


def test_the_gate_is_the_test_command_of_the_readme() -> None:
    readme = [line for block in blocks(ROOT / "README.md") for line in block.text.splitlines()]
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    assert [line.split("#")[0].strip() for line in readme if line.startswith("./run test")] == ["./run test"]
    assert gate[-1] == "exec ./run test"
