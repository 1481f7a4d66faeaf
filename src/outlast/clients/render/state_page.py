"""The report of job state as one page: no script, nothing from anywhere else, every text escaped."""

from collections.abc import Iterable, Iterator, Sequence

from outlast.clients.render.progress import percent
from outlast.clients.render.svg import BLUE, GREENS, Curve, chart, shade, spark, text_of
from outlast.core.durations import format_duration
from outlast.jobstate.days import days_between
from outlast.jobstate.report import AccountReport, ActivityReport, Hanging, Rate, Report

BEGINNING = '<!doctype html>\n<html lang="en"><head><meta name="generator" content="outlast state report">'
"""So begins each page; a file that does not is nobody's report."""
_GAP, _ROW = 3, 18
_LEAST_STEP, _MOST_STEP, _ROOM, _LABEL = 7, 17, 812, 170
"""A column of the map is as wide as fits; a map of eight weeks needs no scrolling."""
_LONGEST_NAME = 24
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_DAYS = 120
_STYLE = """
:root{color-scheme:light}
body{margin:0;background:#f7f7f5;color:#24292f;font:13px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 24px 48px}
h1{font-size:17px;margin:0 0 4px}h2{font-size:13px;margin:0 0 10px}
h2 small,p{color:#6b7480;font-weight:400;margin:0}h2 small{font-size:11.5px;margin-left:6px}
.totals{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0}
.totals div{background:#fff;border:1px solid #e4e6e3;border-radius:8px;padding:8px 14px;color:#6b7480}
.totals b{color:#24292f;font-size:15px;margin-right:5px}.totals .bad{border-color:#d9736f}
section{background:#fff;border:1px solid #e4e6e3;border-radius:10px;padding:14px 18px 16px;
margin:0 0 16px;overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:400;color:#6b7480;font-size:12px}
td,th{padding:6px 12px 6px 0;border-bottom:1px solid #eceeea;vertical-align:middle}
tr:last-child td{border-bottom:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.e,th.e{padding-left:14px}td.e{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:12px;overflow-wrap:anywhere}
td small{color:#6b7480}svg{display:block}svg text{font:11px system-ui,sans-serif;fill:#6b7480}
svg .name{fill:#24292f;font-size:12.5px}svg.chart{width:100%;height:auto}.why{color:#9a6700}
.legend{display:flex;gap:14px;color:#6b7480;font-size:11.5px;margin-top:10px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:5px;vertical-align:-1px}
"""


def page(report: Report) -> str:
    """Return the whole page."""
    sections = "".join(_sections(report))
    return (
        f'{BEGINNING}<meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width">'
        f"<title>Job state, {report.first} to {report.today}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Job state</h1><p>{report.first} to {report.today}</p>{_totals(report)}{sections}</main></body></html>\n"
    )


def _sections(report: Report) -> Iterator[str]:
    if not report.checklists:
        yield "<section><p>There are no checklists of these days.</p></section>"
        return
    yield _section("Daily completion", "account × day; completed ÷ planned activities", _heat_map(report))
    yield _section("All accounts", "completed ÷ planned, by day", _by_day(report))
    if report.hanging:
        yield _section("Hanging", "longer than usual, silent, or interrupted", _hanging(report.hanging))
    if failing := [each for each in report.activities if each.failed]:
        yield _section("Failing", "activities that failed, those that fail most first", _failing(failing))
    timed = [each for each in report.activities if each.median_ms is not None]
    if timed:
        timed.sort(key=lambda each: each.median_ms or 0.0, reverse=True)
        yield _section("Durations", "completed activities; median and 95th percentile, by week", _durations(timed))


def _section(title: str, small: str, body: str) -> str:
    return f"<section><h2>{title}<small>{small}</small></h2>{body}</section>"


def _totals(report: Report) -> str:
    total = report.total
    rate = "–" if total.fraction is None else percent(total.fraction)
    stuck = sum(each.why != "interrupted" for each in report.hanging)
    shown = (
        ("", rate, "done"),
        ("", f"{total.done:,}", f"of {total.planned:,} activities"),
        ("bad" if report.failures else "", f"{report.failures:,}", "failures"),
        ("bad" if stuck else "", f"{stuck:,}", "hanging"),
        ("", f"{len(report.accounts):,}", "accounts"),
        ("", f"{report.checklists:,}", "checklists"),
    )
    return f'<div class="totals">{"".join(f"<div class={c!r}><b>{n}</b>{w}</div>" for c, n, w in shown)}</div>'


def _heat_map(report: Report) -> str:
    days = days_between(report.first, report.today)[-_MOST_DAYS:]
    step = max(_LEAST_STEP, min(_MOST_STEP, _ROOM // len(days)))
    width, height = _LABEL + step * len(days) + 52, 20 + _ROW * len(report.accounts)
    rows = "".join(
        _heat_row(account, days, 18 + _ROW * number, step, report.today)
        for number, account in enumerate(report.accounts)
    )
    months = "".join(
        f'<text x="{_LABEL + step * number}" y="11">{_MONTHS[int(day[5:7]) - 1]}</text>'
        for number, day in enumerate(days)
        if (number == 0 and day[8:] <= "24") or day[8:] == "01"
    )
    return f'<svg width="{width}" height="{height}" role="img">{months}{rows}</svg>{_legend()}'


def _heat_row(account: AccountReport, days: Sequence[str], top: int, step: int, today: str) -> str:
    cells = "".join(
        _heat_cell(account.days.get(day), day, (_LABEL + step * number, top, step - _GAP), is_today=day == today)
        for number, day in enumerate(days)
    )
    whole = account.account
    name = whole if len(whole) <= _LONGEST_NAME else f"{whole[: _LONGEST_NAME - 1]}…"
    rate = "" if account.rate.fraction is None else percent(account.rate.fraction)
    end = _LABEL + step * len(days) + 40
    return (
        f'<text class="name" x="0" y="{top + 11}">{text_of(name)}<title>{text_of(whole)}</title></text>{cells}'
        f'<text x="{end}" y="{top + 11}" text-anchor="end">{rate}</text>'
    )


def _heat_cell(rate: Rate | None, day: str, place: tuple[int, int, int], *, is_today: bool) -> str:
    left, top, size = place
    fraction = None if rate is None else rate.fraction
    words = "no checklist" if rate is None else f"{rate.done} of {rate.planned}"
    outline = f' stroke="{BLUE}" stroke-width="1.5"' if is_today else ""
    place_and_size = f'x="{left}" y="{top}" width="{size}" height="{max(size, 11)}"'
    return f'<rect {place_and_size} rx="2.5" fill="{shade(fraction)}"{outline}><title>{day}: {words}</title></rect>'


def _legend() -> str:
    named = (
        (shade(0), "nothing"),
        *zip(GREENS, ("some", "half", "most", "all"), strict=True),
        (shade(None), "no checklist"),
    )
    shown = "".join(f'<span><i style="background:{colour}"></i>{name}</span>' for colour, name in named)
    return f'<div class="legend">{shown}<span>outlined: today</span></div>'


def _by_day(report: Report) -> str:
    days = days_between(report.first, report.today)[-_MOST_DAYS:]
    rates = []
    for day in days:
        of_day = [each.days[day] for each in report.accounts if day in each.days]
        planned = sum(rate.planned for rate in of_day)
        rates.append(sum(rate.done for rate in of_day) / planned if planned else None)
    marks = ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %"))
    return chart(Curve(values=rates, colour=GREENS[3]), [day[5:] for day in days], marks=marks)


def _hanging(hanging: Sequence[Hanging]) -> str:
    rows = (
        f"<tr><td>{text_of(each.account)}</td><td>{text_of(each.activity)} <small>{text_of(each.type)}, {each.date}"
        f'</small></td><td class="n">{format_duration(each.seconds)}</td><td class="why">{text_of(each.why)}</td>'
        f'<td class="n">{"" if each.process is None else each.process}</td></tr>'
        for each in hanging
    )
    return _table(("Account", "Activity", "n:Since", "Why", "n:Process"), rows)


def _failing(activities: Sequence[ActivityReport]) -> str:
    rows = (
        f"<tr><td>{text_of(each.activity)} <small>{text_of(each.type)}</small></td>"
        f'<td class="n">{each.failed:,} <small>of {each.failed + each.completed:,}</small></td>'
        f'<td class="n">{text_of(each.last_failed_at[:16].replace("T", " "))}</td>'
        f'<td class="e">{text_of(each.last_error[:300])}</td></tr>'
        for each in activities
    )
    return _table(("Activity", "n:Failed", "n:Last (UTC)", "e:Last error"), rows)


def _durations(activities: Sequence[ActivityReport]) -> str:
    rows = (
        f"<tr><td>{text_of(each.activity)} <small>{text_of(each.type)}</small></td><td>{_trend(each)}</td>"
        f'<td class="n">{_time(each.median_ms)}</td><td class="n">{_time(each.p95_ms)}</td>'
        f'<td class="n">{_time(each.p99_ms)}</td><td class="n">{sum(week.runs for week in each.weeks):,}</td></tr>'
        for each in activities
    )
    return _table(("Activity", "By week: median, p95", "n:Median", "n:p95", "n:p99", "n:Runs"), rows)


def _trend(activity: ActivityReport) -> str:
    p95 = Curve(values=[week.p95_ms for week in activity.weeks], colour="#b9c3cf", width=1.3)
    return spark([p95, Curve(values=[week.median_ms for week in activity.weeks], colour=BLUE)])


def _time(milliseconds: float | None) -> str:
    return "" if milliseconds is None else format_duration(milliseconds / 1000)


def _table(headings: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(
        f'<th class="{heading[0]}">{heading[2:]}</th>' if heading[1] == ":" else f"<th>{heading}</th>"
        for heading in headings
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
