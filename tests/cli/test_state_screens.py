"""The screens of job state, at 80 columns, of values that never change; and the page."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from outlast.clients.render.checklists import entry_screen, entry_table
from outlast.clients.render.heat import heat_map
from outlast.clients.render.jobs import Screen
from outlast.clients.render.paint import Paint
from outlast.clients.render.runs import run_screen
from outlast.clients.render.state_page import page
from outlast.clients.render.state_report import report_screen, sparks
from outlast.clients.render.svg import Curve, chart, spark
from outlast.jobstate.reading import Entry
from outlast.jobstate.records import COMPLETE, FAIL, RESET, SKIP, START, Record
from outlast.jobstate.report import Report, make_report
from outlast.jobstate.runner import AccountRun, RunReport
from tests.cli.screens import check_screen

NOW = int(datetime(2025, 9, 20, 12, tzinfo=UTC).timestamp())
SCREEN = Screen(width=80, now=NOW * 1000, paint=Paint())
NAMES = ("check-in", "quiz-1", "quiz-2", "poll", "read-news")
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\ud800"


def entry(account: str, day: str, done: int, *, failed: int = 0, slow: float = 1.0, **fields: object) -> Entry:
    """Return a checklist of which the first activities are done, and the next ones have failed."""
    records = []
    for number, name in enumerate(NAMES[: done + failed]):
        at = f"{day}T06:0{number}:00.000Z"
        records.append(Record(START, at=at, activity=name, process=4711))
        took = 800.0 * (number + 1) * slow
        event, text = (COMPLETE, "") if number < done else (FAIL, "TimeoutError: POST /quiz timed out")
        records.append(Record(event, at=at, activity=name, process=4711, duration_ms=took, text=text))
    plain: dict[str, object] = {
        "account": account,
        "type": "daily-set",
        "date": day,
        "completed": NAMES[:done],
        "remaining": NAMES[done:],
        "failed": dict.fromkeys(NAMES[done : done + failed], "TimeoutError: POST /quiz timed out"),
        "skipped": {},
        "last_update": f"{day}T06:30:00.000Z",
        "records": tuple(records),
    }
    return Entry(**{**plain, **fields})  # type: ignore[arg-type]


def weeks() -> list[Entry]:
    """Return eight weeks of three accounts."""
    found = []
    for number in range(56):
        day = date.fromordinal(date(2025, 7, 27).toordinal() + number).isoformat()
        for index, account in enumerate(("alice@example.org", "bob", "carol.with.a.long.name@example.org")):
            if (number + index) % 11:
                done = 5 - (number * (index + 1)) % 6 % (index * 2 + 1)
                found.append(entry(account, day, done, failed=number % 7 == 3 and done < 5, slow=1 + number / 40))
    doing = {"poll": Record(START, at="2025-09-20T11:20:00.000Z", activity="poll", process=4712)}
    dead = {"quiz-2": Record(START, at="2025-09-19T08:00:00.000Z", activity="quiz-2", process=4713)}
    found[-1] = replace(found[-1], doing=doing, completed=NAMES[:2], remaining=NAMES[2:], failed={})
    found[-4] = replace(found[-4], interrupted=dead)
    return found


def eight_weeks(entries: list[Entry] | None = None) -> Report:
    found = weeks() if entries is None else entries
    return make_report(found, first="2025-07-26", today="2025-09-20", now=NOW)


def text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_the_list() -> None:
    entries = [
        entry("alice@example.org", "2025-09-20", 5),
        entry("bob", "2025-09-20", 2, failed=1),
        entry("carol.with.a.long.name@example.org", "2025-09-20", 0),
        replace(entry("dave", "2025-09-20", 3), doing={"poll": Record(START, at="", activity="poll")}),
        entry(HOSTILE, "2025-09-19", 1, remaining=(HOSTILE * 3,), type=HOSTILE),
    ]

    check_screen("state-list", text(entry_table(entries, SCREEN)))


def test_one_checklist() -> None:
    shown = entry("alice@example.org", "2025-09-20", 2, failed=1, skipped={"search": "no points left today"}, damaged=2)
    again = Record(START, at="2025-09-20T07:00:00.000Z", activity="poll", process=4712)
    undone = [Record(event, at="2025-09-20T06:50:00.000Z", activity="poll") for event in (COMPLETE, RESET)]
    skip = Record(SKIP, at="2025-09-20T06:40:00.000Z", activity="search", text="no points left today")
    shown = replace(shown, records=(*shown.records, *undone, again, skip), doing={"poll": again})

    check_screen("state-show", text(entry_screen(shown, SCREEN)))


def test_the_report() -> None:
    check_screen("state-report", text(report_screen(eight_weeks(), SCREEN)))


def test_the_map_in_colour_and_narrow() -> None:
    painted = replace(SCREEN, width=50, paint=Paint(on=True))

    check_screen("state-map-narrow", text(heat_map(eight_weeks(), painted)))


def test_the_report_of_one_day() -> None:
    report = make_report([entry("bob", "2025-09-20", 0)], first="2025-09-20", today="2025-09-20", now=NOW)

    check_screen("state-report-day", text(report_screen(report, SCREEN)))


def test_a_run() -> None:
    runs = [
        AccountRun("alice@example.org", list(NAMES), list(NAMES), seconds=12.4),
        AccountRun(
            "bob", list(NAMES), ["check-in"], {"quiz-1": "killed by SIGSEGV", "poll": "ValueError: no"}, crashes=1
        ),
        AccountRun("carol", list(NAMES), [], held=["check-in"], seconds=0.2),
        AccountRun("dave", None, failed={"": "exit code 1"}, crashes=1),
    ]

    check_screen("state-run", text(run_screen(RunReport(accounts=runs), SCREEN)))


def test_trends_are_small_columns() -> None:
    assert sparks([1, 2, 4, 8]) == "▁▂▄█"
    assert sparks([0, 0]) == "▁▁"
    assert sparks([5]) == sparks([]) == ""


def test_the_page_is_self_contained_and_has_no_script() -> None:
    shown = page(eight_weeks())

    assert not re.search(r"<script|<link|<img|\bon\w+=|url\(|https?:|@import", shown)
    assert "default-src 'none'" in shown
    for words in ("Daily completion", "Hanging", "Failing", "Durations", "outlined: today", "All accounts"):
        assert words in shown
    assert shown.count("<svg") == 2 + len(NAMES)
    assert shown.count("<rect") == 3 * 57
    assert "2025-09-20" in shown


def test_every_text_of_the_page_is_escaped() -> None:
    hostile = entry(HOSTILE, "2025-09-20", 1, failed=1, type=HOSTILE)
    records = tuple(
        Record(record.event, at=record.at, activity=HOSTILE, text=HOSTILE, duration_ms=5.0)
        for record in hostile.records
    )
    start = Record(START, at="2025-09-20T06:00:00.000Z", activity=HOSTILE)
    hostile = replace(hostile, records=records, doing={HOSTILE: start})

    shown = page(eight_weeks([hostile]))

    assert "<script" not in shown
    assert not re.search("[\x1b\u202e\ud800]", shown)
    assert "&lt;script&gt;" in shown
    shown.encode()


def test_a_page_without_checklists_says_so() -> None:
    assert "There are no checklists of these days" in page(eight_weeks([]))


@pytest.mark.parametrize("values", [[], [None], [1.0], [0.0, 0.0], [None, 1.0, None, 2.0, 3.0]])
def test_a_chart_takes_any_values(values: list[float | None]) -> None:
    curve = Curve(values=values, colour="#000")

    drawn = spark([curve]) + chart(curve, ["<"] * len(values), marks=[(1.0, "one")])

    assert "nan" not in drawn
    assert "<<" not in drawn
