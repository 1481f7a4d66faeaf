"""`explain`: the story of a job, from values that never change and from jobs that really died."""

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import outlast
from outlast.clients.render.story import Entry, story_object, story_of
from outlast.clients.render.story.folding import folded
from outlast.clients.render.story.past import _Teller
from outlast.clients.render.story.screen import story_screen
from outlast.clients.render.story.wording import cursor_words, who
from outlast.clients.render.text import width_of
from outlast.clients.render.waiting import waiting_words
from outlast.core.status import Intent, Reason, Status
from tests.cli.screens import check_screen
from tests.cli.shell import Shell
from tests.cli.stories import STORIES, failed
from tests.cli.test_screens import SCREEN, job, text


@pytest.mark.parametrize("make", STORIES, ids=lambda make: make.__name__)
def test_the_screen_of_a_story(make: Any) -> None:
    told, history, facts = make()

    check_screen(
        f"explain-{make.__name__.replace('_', '-')}", text(story_screen(told, story_of(told, history, facts), SCREEN))
    )


@pytest.mark.parametrize("make", STORIES, ids=lambda make: make.__name__)
def test_a_story_as_json_tells_the_same(make: Any) -> None:
    told, history, facts = make()

    story = story_of(told, history, facts)
    shown = story_object(story)

    assert json.loads(json.dumps(shown)) == shown
    assert [each["text"] for each in shown["story"]] == [entry.text for entry in story.past]
    assert shown["now"]
    assert all(each["why"] for each in shown["next"])


@pytest.mark.parametrize("width", [40, 60, 120])
def test_a_story_fits_any_width(width: int) -> None:
    for make in STORIES:
        told, history, facts = make()
        lines = story_screen(told, story_of(told, history, facts), replace(SCREEN, width=width))

        commands = [line for line in lines if line.startswith("  outlast ")]
        assert max(width_of(line) for line in lines if line not in commands) <= width


def written_words() -> Iterator[str]:
    """Yield the word of every event that the engine and the service write."""
    package = Path(outlast.__file__).parent
    for path in [package / "service.py", *(package / "engine").rglob("*.py"), *(package / "storage").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
                "Event",
                "_event",
            ):
                given = [*node.args, *(each.value for each in node.keywords if each.arg == "event")]
                yield from (
                    each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )
            if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == "word" for each in node.targets):
                yield from (
                    each.value
                    for each in ast.walk(node.value)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def test_every_word_that_is_written_has_its_sentence() -> None:
    told, history, _ = failed()
    known = _Teller(told, history.steps, history.events)._by_word

    words = set(written_words())

    assert {"claimed", "crashed", "retrying", "completed", "put_back"} <= words
    assert words <= known.keys()
    assert {f"{intent} asked" for intent in Intent} <= known.keys()


def test_what_repeats_itself_is_told_once() -> None:
    pairs = [
        (
            Entry(at=n, text="b", event="claimed", attempt=n, like="claimed"),
            Entry(at=n, text="e", event=word, attempt=n, like=word),
        )
        for n, word in enumerate(["waiting"] * 5 + ["crashed"] * 3 + ["waiting"] * 4)
    ]

    told = folded([entry for pair in pairs for entry in pair])

    assert [entry.times for entry in told if entry.times > 1] == [3, 2]
    assert [entry.event for entry in told].count("crashed") == 3
    assert folded([]) == []


@pytest.mark.parametrize(
    ("cursor", "words"),
    [
        ("5000", "5,000"),
        ('"page-7"', "page-7"),
        ('{"nonce": 5000000, "iterations": 3}', "nonce 5,000,000"),
        ('{"page": 3, "row": 7.5, "seen": []}', "page 3, row 7.5"),
        ('{"seen": [1]}', '{"seen": [1]}'),
        ("[1,2]", "[1,2]"),
        ("true", "True"),
        ("{broken", "{broken"),
        ("[" * 100_000, "[" * 59 + "…"),
    ],
)
def test_a_cursor_in_words(cursor: str, words: str) -> None:
    assert cursor_words(cursor) == words


def test_what_a_job_waits_for_in_words() -> None:
    def words(**info: object) -> str:
        return waiting_words(job(1, "x", Status.WAITING, reason=Reason.CONDITION, waiting_info=info))

    assert words(current_age=7, target_age=10, blocks_remaining=3) == "age 7 of 10, 3 blocks to go (about 15s)"
    assert words(path="/x", at_least=3) == "path /x, at least 3"
    assert words(current_block_height=7) == "block height 7"
    assert words(blocks_remaining="many", x={"a": [1]}) == 'blocks remaining many, x {"a": [1]}'
    assert words() == ""


def test_who_did_it() -> None:
    told = [who(actor) for actor in ("cli:alice", "mcp:agent", "library:a:b", "job:x_1", "retention", "")]

    assert told == ["alice", "agent over MCP", "a:b from Python", "the job x_1", "retention", ""]


def test_a_job_that_died_and_went_on_tells_so(live: Shell) -> None:
    (live.directory / "dies.py").write_text(
        "import os\n"
        "from outlast import Context, job\n\n\n"
        "@job\n"
        "def dies(ctx: Context):\n"
        "    ctx.step('first', lambda: 1)\n"
        "    ctx.checkpoint({'page': 7}, now=True)\n"
        "    if ctx.attempt == 1:\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return 7\n"
    )
    live.outlast("submit", "dies.py:dies", "--key", "d", "--wait", code=0)

    shown = live.outlast("explain", "d", "--json", code=0).object

    assert list(shown) == ["job_id", "status", "story", "now", "next"]
    texts = " ".join(each["text"] for each in shown["story"])
    assert "killed by SIGKILL. 1 step of it is kept." in texts
    assert "It went on (attempt 2, 1 step kept, from page 7 on)." in texts
    assert shown["now"].endswith("in 2 attempts. Its result: 7")
    assert shown["next"][0]["command"].startswith("outlast show ")


def test_without_a_supervisor_it_is_said_who_must_start_one(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", "--key", "k", code=0)
    (shell.directory / "jobs.py").write_text("")

    shown = shell.outlast("explain", "k", "--json", code=0).object

    assert "OUTLAST_AUTOSTART=0" in shown["now"]
    assert "has no add any more" in shown["now"]
    assert "outlast worker" in [each["command"] for each in shown["next"]]


def test_a_story_of_nothing_is_not_found(shell: Shell) -> None:
    assert shell.outlast("explain", "abcd", "--json", code=4).error["code"] == "not_found"
