"""The page about queries: its examples find what it says, and its lists are those of the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from outlast.core.durations import parse_duration
from outlast.core.errors import UsageError
from outlast.core.job import Event, Job
from outlast.core.query import KNOWN_FIELDS, MOST_CHARACTERS, MOST_TERMS, parse_query
from outlast.core.status import Reason, Status
from outlast.storage.sqlite import SqliteStore
from tests.contract.making import Clock, running, spec, submitted
from tests.docs.pages import ROOT, blocks, table, words

PAGE = ROOT / "docs" / "query.md"


def tables_below(heading: str) -> list[list[list[str]]]:
    """Return every table below a heading, each without its head."""
    text = PAGE.read_text(encoding="utf-8")
    below = text[text.index(f"# {heading}\n") :]
    found = re.findall(r"(?:^\|.*\|\n)+", below, re.MULTILINE)
    return [[[cell.strip() for cell in row.split("|")[1:-1]] for row in each.splitlines()[2:]] for each in found]


SAMPLES, EXAMPLES = tables_below("Examples")


def made(store: SqliteStore, clock: Clock, row: list[str]) -> Job:
    """Put a job of the page's table into the store."""
    _, kind, state, account, key, labels, queue, error, age = row
    word, _, reason = state.partition(": ")
    status = Status(word)
    clock.move(-parse_duration(age))
    fields = {
        "spec": spec(kind),
        "account": account or None,
        "key": key or None,
        "labels": dict(label.split("=") for label in labels.split()),
        "queue": queue,
    }
    if status is Status.QUEUED:
        job = submitted(store, **fields)
    else:
        job = running(store, **fields)
        after = job._replace(status=status, reason=Reason(reason) if reason else None, error=error or None)
        store.swap(job, after, Event(event=word))
    clock.move(parse_duration(age))
    return job


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteStore, dict[str, str]]]:
    """Return a store with the jobs of the page, and the name of each by its id."""
    clock = Clock()
    store = SqliteStore(tmp_path_factory.mktemp("query") / "jobs.db", clock=clock)
    rows = sorted(SAMPLES, key=lambda row: -parse_duration(row[-1]))
    yield store, {made(store, clock, row).id: row[0] for row in rows}
    store.close()


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row[0])
def test_an_example_finds_what_the_page_says(shelf: tuple[SqliteStore, dict[str, str]], row: list[str]) -> None:
    store, names = shelf
    [query] = words(row[0])

    found = store.page(parse_query(query), before=None, limit=100).jobs

    assert sorted(names[job.id] for job in found) == row[1].split()
    assert store.count(parse_query(query)) == len(found)


def test_the_examples_tell_all_jobs_apart() -> None:
    found = {tuple(row[1].split()) for row in EXAMPLES}

    assert len(found) > 15
    assert {name for names in found for name in names} == {row[0] for row in SAMPLES}


def test_the_page_lists_every_field() -> None:
    listed = [word for row in table(PAGE, "The fields") for word in words(row[0])]

    assert sorted(listed) == sorted(KNOWN_FIELDS.split())
    grammar = next(block.text for block in blocks(PAGE) if "term   =" in block.text)
    assert sorted(re.findall(r"[a-z]+(?:\.NAME)?", grammar.split("field  =")[1].splitlines()[0])) == sorted(listed)
    assert words(table(PAGE, "The fields")[0][1]) == list(Status)


def test_the_refusal_is_the_one_that_is_shown() -> None:
    [shown] = [block.text for block in blocks(PAGE) if block.text.startswith("$ ")]
    typed, message, mend = shown.rstrip().splitlines()

    with pytest.raises(UsageError) as caught:
        parse_query(typed.removeprefix("$ outlast list "))

    assert (message, mend) == (f"Error: {caught.value.message}", caught.value.fix)


def test_the_limits_are_those_of_the_code() -> None:
    text = Path(PAGE).read_text(encoding="utf-8")

    assert f"At most {MOST_TERMS} terms and {MOST_CHARACTERS:,} characters" in text
