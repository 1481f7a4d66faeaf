"""The pieces the screens are made of."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outlast.clients.render.jsontext import json_text
from outlast.clients.render.logs import beginning, of_attempt
from outlast.clients.render.progress import bar, full_progress, number, rate, short_progress
from outlast.clients.render.secrets import masked
from outlast.clients.render.table import Column, table
from outlast.clients.render.text import fit, visible, visible_line, width_of, wrap
from outlast.clients.render.times import age, since, span
from outlast.core.job import Progress
from outlast.core.status import Status
from tests.cli.test_screens import job

CONTROL = [chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]]


@given(st.text())
def test_visible_text_is_one_line_and_steers_nothing(text: str) -> None:
    shown = visible(text)

    assert len(shown.splitlines()) <= 1
    assert not any(character in shown for character in [*CONTROL, "\u202e", "\u2028", "\ud800"])
    assert visible(shown) == shown


@given(st.text())
def test_a_line_of_a_log_keeps_only_harmless_controls(text: str) -> None:
    left = visible_line(text.replace("\x1b", "").replace("\t", "").replace("\r", ""))

    assert not any(character in left for character in CONTROL)


def test_a_line_of_a_log_keeps_its_colours() -> None:
    assert visible_line("\x1b[1;31mred\x1b[0m\t\x1b[2J\x1b]0;t\x07") == "\x1b[1;31mred\x1b[0m\t\\x1b[2J\\x1b]0;t\\x07"


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("日本", 4), ("é", 1), ("e\u0301", 1), ("\x1b[31mred\x1b[0m", 3), ("", 0), ("👍", 2)],
)
def test_the_width_of_text(text: str, width: int) -> None:
    assert width_of(text) == width


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_a_fitted_text_fits(text: str, width: int) -> None:
    fitted = fit(visible(text), width)

    assert width_of(fitted) <= width
    assert fitted == visible(text) or fitted.endswith("…") or width == 0


@given(st.text(min_size=1), st.integers(min_value=2, max_value=40))
@example("00\u00a00", 3)
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    shown = visible(text)

    lines = wrap(shown, width)

    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1, max_size=5), st.integers(20, 120))
def test_a_table_fits(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = (Column(heading="A"), Column(heading="LONGER", gives_way=0), Column(heading="B", right=True))

    lines = table(columns, [tuple(map(visible, row)) for row in rows], width)

    assert len(lines) == len(rows) + 1
    assert all(width_of(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("progress", "short", "full"),
    [
        (Progress(done=1, total=4), "██░░░░░░ 25%", "██▌░░░░░░░ 25%, 1 of 4"),
        (Progress(done=999, total=1_000), "███████▉ 99%", "█████████▉ 99%, 999 of 1,000"),
        (Progress(done=5, total=4), "████████ 100%", "██████████ 100%, 5 of 4"),
        (Progress(done=-1, total=4), "░░░░░░░░ 0%", "░░░░░░░░░░ 0%, -1 of 4"),
        (Progress(done=1, total=0), "1 done", "1 of 0"),
        (Progress(done=0.25), "0.25 done", "0.25"),
        (Progress(done=10, total=100, rate=0.5), "▊░░░░░░░ 10% ~3m", "█░░░░░░░░░ 10%, 10 of 100, 30/min, 3m left"),
        (Progress(message="hi"), "hi", ""),
        (Progress(total=5), "", ""),
    ],
)
def test_progress_in_words(progress: Progress, short: str, full: str) -> None:
    assert short_progress(progress) == short
    assert full_progress(job(1, "mirror", Status.RUNNING, progress=progress), 10) == full


def test_what_does_not_run_has_no_pace() -> None:
    progress = Progress(done=10, total=100, rate=0.5)

    assert full_progress(job(1, "mirror", Status.CANCELLED, progress=progress), 10) == "█░░░░░░░░░ 10%, 10 of 100"


@given(st.floats(allow_nan=False), st.integers(min_value=1, max_value=60))
def test_a_bar_is_as_wide_as_it_was_asked_for(fraction: float, width: int) -> None:
    assert width_of(bar(fraction, width)) == width


def test_numbers_and_rates() -> None:
    assert [number(n) for n in (0, 1234567, 0.25, 1e20)] == ["0", "1,234,567", "0.25", "1e+20"]
    assert [rate(r) for r in (1.5, 12, 12_345, 2.5e6, 0.1, 0.001)] == [
        "1.5/s",
        "12/s",
        "12.3k/s",
        "2.5M/s",
        "6/min",
        "3.6/h",
    ]


def test_times() -> None:
    assert [span(s) for s in (0.2, 1.4, 9, 59.6, 61, 90_000)] == ["now", "1s", "9s", "1m", "1m 1s", "1d 1h"]
    assert age(0, 90_000_000) == "1d"
    assert since(0, 5_000) == "1970-01-01 00:00:00 UTC, 5s ago"
    assert since(5_000, 0) == "1970-01-01 00:00:05 UTC, in 5s"


LOG = [b"one\n", b"== attempt 2 ==\n", b"two\n", b"== attempt 4 ==\r\n", b"four"]


def test_a_log_is_told_apart_by_attempts() -> None:
    assert [list(of_attempt(LOG, n)) for n in range(1, 6)] == [[b"one\n"], [b"two\n"], [], [b"four"], []]
    assert beginning(LOG) == 1
    assert beginning([b"x\n"]) is None
    assert list(of_attempt(LOG[2:], 3, first=3)) == [b"two\n"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://a:b@c/d", "https://a:•••@c/d"),
        ("postgresql://a:b:c@d@host/e", "postgresql://a:•••@host/e"),
        ("https://host/?user=a&token=b&x=1", "https://host/?user=a&token=•••&x=1"),
        ("https://host:80/path", "https://host:80/path"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_passwords_in_urls_are_masked(text: str, shown: str) -> None:
    assert masked(text, secret=False) == shown


def test_a_secret_is_masked_whole() -> None:
    assert masked("token", secret=True) == "•••"
    assert masked("", secret=True) == ""


@given(st.text())
def test_json_for_a_terminal_is_json_of_the_same_value(text: str) -> None:
    shown = json_text({"x": text}, None)

    assert json.loads(shown) == {"x": text}
    assert not any(character in shown for character in [*CONTROL, "\u202e"])
